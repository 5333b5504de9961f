"""One row of a script list: a clip, or several takes of one, that is to be rendered; and what can be wrong with a row."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.identifiers import content_hash

LONGEST_TEXT = 20_000
"""Characters; about half an hour of speech."""
MOST_TAKES = 1000
LARGEST_SEED = 2**63 - 1
STRONGEST = 2.0
"""Largest intensity: twice as far from neutral as the training clips."""
CLIP_SUFFIX = ".mp4"
POSE_AUDIO = "audio"
POSE_FIXED = "fixed"


class ScriptProblemReason(StrEnum):
    """What is wrong with a row, or with the whole list (row 0)."""

    UNREADABLE_LIST = "unreadable_list"
    EMPTY_LIST = "empty_list"
    UNKNOWN_COLUMN = "unknown_column"
    MISSING_COLUMN = "missing_column"
    UNREADABLE_ROW = "unreadable_row"
    MISSING_VALUE = "missing_value"
    CONTRADICTION = "contradiction"
    BAD_VALUE = "bad_value"
    UNKNOWN_EMOTION = "unknown_emotion"
    UNKNOWN_VOICE = "unknown_voice"
    TEXT_TOO_LONG = "text_too_long"
    UNSPEAKABLE_TEXT = "unspeakable_text"
    UNKNOWN_SCHEME = "unknown_scheme"
    MISSING_FILE = "missing_file"
    UNREADABLE_AUDIO = "unreadable_audio"
    UNREADABLE_PICTURE = "unreadable_picture"
    UNSAFE_OUTPUT = "unsafe_output"
    DUPLICATE_OUTPUT = "duplicate_output"
    DUPLICATE_ROW = "duplicate_row"


class ScriptProblem(BaseModel):
    """One thing that is wrong with a script list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    row: int = Field(
        ge=0, description="number of the row as a spreadsheet or an editor shows it, the header being row 1; 0: the whole list"
    )
    column: str = Field(description="column; empty: the whole row")
    reason: ScriptProblemReason
    message: str = Field(description="what was expected, what was found, and the remedy")

    def __str__(self) -> str:
        """Return one line for people."""
        place = f"row {self.row}" if self.row else "the list"
        return f"{place}{f', column {self.column}' if self.column else ''}: {self.message}"


class ScriptRow(BaseModel):
    """What one row of a script list asks for.

    Files are paths, relative ones from the folder of the list, or file:// and s3:// URLs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    portrait: str = Field(min_length=1, description="picture of the face that is animated")
    audio: str = Field("", description="file with what is said; this or `text`")
    text: str = Field("", max_length=LONGEST_TEXT, description="what a speech engine is to say; this or `audio`")
    voice: str = Field("", max_length=200, description="voice of the speech engine; empty: its default; only with `text`")
    emotion: str = Field("", description="label, or shares such as happy:0.7,sad:0.3; empty without a reference: neutral")
    emotion_reference: str = Field("", description="picture, video or coefficients file to take the emotion from; instead of `emotion`")
    intensity: float = Field(
        1.0,
        ge=0.0,
        le=STRONGEST,
        allow_inf_nan=False,
        description="0: neutral, 1: as the training clips show it, up to 2: stronger than they do",
    )
    pose: str = Field(
        POSE_AUDIO, min_length=1, description="`audio`: drawn to go with the sound; `fixed`; or a video or coefficients file to follow"
    )
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description="decides everything random")
    takes: int = Field(1, ge=1, le=MOST_TAKES, description="how many different clips to make of the row")
    output: str = Field("", description="name of the clip below the output folder; empty: named by the hash of its inputs")

    def content_key(self) -> str:
        """Return the SHA-256 (64 hex digits) of everything that decides what the row's clips show, so without `output` and `takes`.

        Files count by their names; whoever caches by this key must add the hashes of their content.
        """
        return content_hash(self.model_dump(mode="json", exclude={"output", "takes"}))

    def clip_name(self, take: int) -> str:
        """Return the relative name of a take's clip, such as ``promo/hello-001.mp4``; empty if the row names none.

        With one take it is `output` itself, with more it has the take's number of three digits or more before the suffix.
        """
        if not self.output:
            return ""
        path = PurePosixPath(self.output)
        stem = path.with_suffix("") if path.suffix.lower() == CLIP_SUFFIX else path
        number = "" if self.takes == 1 else f"-{take:03d}"
        return f"{stem}{number}{CLIP_SUFFIX}"

    def filled(self) -> dict[str, Any]:
        """Return the columns that are not empty, for results and metadata."""
        return {name: value for name, value in self.model_dump(mode="json").items() if value != ""}


COLUMNS: tuple[str, ...] = tuple(ScriptRow.model_fields)


class NumberedRow(NamedTuple):
    """A row and its number as a spreadsheet or an editor shows it, the header being row 1."""

    number: int
    row: ScriptRow
