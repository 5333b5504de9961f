"""Checking a script list before anything is rendered: files, voices, and names that two clips would share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pipelines.scripts.file_checks import audio_problem, file_problem, picture_problem
from pipelines.scripts.places import is_remote, located
from pipelines.scripts.reading import ScriptList
from storage_schemas.script_rows import POSE_AUDIO, POSE_FIXED, NumberedRow, ScriptProblem, ScriptProblemReason, ScriptRow

_Reason = ScriptProblemReason
Found = tuple[str, ScriptProblemReason, str]
"""Column, reason and message."""


@dataclass
class Surroundings:
    """What a list refers to.

    Attributes:
        base: folder of the list, local or s3://; relative names begin there.
        exists: says whether a file on S3 is there; None: nobody looks.
        voice_problem: of the speech engine (see `SpeechEngine.voice_problem`); None: nobody asks.
    """

    base: str
    exists: Callable[[str], bool] | None = None
    voice_problem: Callable[[str], str] | None = None
    _judged: dict[tuple[str, str], tuple[ScriptProblemReason, str] | None] = field(default_factory=dict)

    def problem_of(self, kind: str, name: str) -> tuple[ScriptProblemReason, str] | None:
        """Return reason and message of what is wrong with a file, looking once at each."""
        place = located(name, self.base)
        if (kind, place) not in self._judged:
            self._judged[kind, place] = self._look(kind, place)
        return self._judged[kind, place]

    def _look(self, kind: str, place: str) -> tuple[ScriptProblemReason, str] | None:
        if is_remote(place):
            missing = self.exists is not None and not self.exists(place)
            return (_Reason.MISSING_FILE, f"there is no object {place}") if missing else None
        return {"picture": picture_problem, "audio": audio_problem}.get(kind, file_problem)(Path(place))


def check_script_list(listing: ScriptList, surroundings: Surroundings, on_progress: Callable[[int, int], None] | None = None) -> ScriptList:
    """Return the list with everything that can be found wrong without rendering, and without the rows that have something.

    Every file is looked at once: pictures' headers, and the first sound of audio files. What takes more, such as finding a face, is up to
    rendering.

    Args:
        listing: as it was read.
        surroundings: what it refers to.
        on_progress: called with (rows checked, rows).
    """
    problems: list[ScriptProblem] = []
    for done, (number, row) in enumerate(listing.rows, start=1):
        found = [*_files(row, surroundings), *_voice(row, surroundings)]
        problems += [ScriptProblem(row=number, column=column, reason=reason, message=message) for column, reason, message in found]
        if on_progress is not None:
            on_progress(done, len(listing.rows))
    return listing.with_problems([*problems, *_shared_names(listing.rows)])


def _files(row: ScriptRow, surroundings: Surroundings) -> Iterator[Found]:
    files = [("portrait", "picture", row.portrait), ("audio", "audio", row.audio), ("emotion_reference", "file", row.emotion_reference)]
    if row.pose not in (POSE_AUDIO, POSE_FIXED):
        files.append(("pose", "file", row.pose))
    for column, kind, name in files:
        problem = surroundings.problem_of(kind, name) if name else None
        if problem is not None:
            yield column, *problem


def _voice(row: ScriptRow, surroundings: Surroundings) -> Iterator[Found]:
    problem = surroundings.voice_problem(row.voice) if row.text and surroundings.voice_problem is not None else ""
    if problem:
        yield "voice", _Reason.UNKNOWN_VOICE, problem


def _shared_names(rows: list[NumberedRow]) -> Iterator[ScriptProblem]:
    """Yield a problem for each row whose clips another row before it has already, by name or by content.

    Names count as the same whatever their case, as they are on many file systems, and none may be another's folder.
    """
    first_with_name: dict[str, int] = {}
    first_with_content: dict[str, int] = {}
    folders: dict[str, int] = {}
    for number, row in rows:
        problem = _same_name(row, first_with_name, folders) if row.output else _same_content(row, first_with_content)
        if problem:
            column = "output" if row.output else ""
            reason = _Reason.DUPLICATE_OUTPUT if row.output else _Reason.DUPLICATE_ROW
            yield ScriptProblem(row=number, column=column, reason=reason, message=problem)
            continue
        if not row.output:
            first_with_content[row.content_key()] = number
        for name in _names(row):
            first_with_name[name] = number
            folders.update({str(parent): number for parent in PurePosixPath(name).parents if parent.name and str(parent) not in folders})


def _names(row: ScriptRow) -> list[str]:
    return [row.clip_name(take).casefold() for take in range(row.takes)] if row.output else []


def _same_name(row: ScriptRow, first_with_name: dict[str, int], folders: dict[str, int]) -> str:
    for name in _names(row):
        if name in first_with_name:
            return f"{name} is the name of a clip of row {first_with_name[name]} already; give another"
        if name in folders:
            return f"{name} is a folder of the clips of row {folders[name]} already; give another name"
        parent = next((str(parent) for parent in PurePosixPath(name).parents if str(parent) in first_with_name), "")
        if parent:
            return f"{parent} is the name of a clip of row {first_with_name[parent]} and cannot be a folder too; give another name"
    return ""


def _same_content(row: ScriptRow, first_with_content: dict[str, int]) -> str:
    first = first_with_content.get(row.content_key())
    return "" if first is None else f"the same clip as row {first} asks for; give another seed, or ask for more takes there"
