"""What a row must keep to that can be seen from the row alone."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath

from pipelines.corpora.emotion_names import known_emotions, parse_emotion
from pipelines.generation.emotion_weights import parse_emotion as parse_shares
from pipelines.scripts.places import scheme_problem
from storage_schemas.errors import BadInputError
from storage_schemas.script_rows import CLIP_SUFFIX, POSE_AUDIO, POSE_FIXED, ScriptProblem, ScriptProblemReason, ScriptRow

RESERVED_FOLDERS = ("results", "scratch")
"""Folders of an output store in which the program keeps things of its own."""
_OTHER_VIDEO_SUFFIXES = {".avi", ".flv", ".gif", ".m4v", ".mkv", ".mov", ".mpeg", ".mpg", ".ogv", ".webm", ".wmv"}
_LONGEST_NAME_BYTES = 200
_LONGEST_OUTPUT_BYTES = 800
_Reason = ScriptProblemReason


def canonical_emotion(text: str) -> str:
    """Return a label, or shares such as ``happy:0.7,sad:0.3``, in one spelling.

    Raises:
        BadInputError: an unknown label, or shares that make no sense.
    """
    parsed = parse_shares(text)
    if isinstance(parsed, str):
        return _label(parsed)
    shares: dict[str, float] = {}
    for label, share in parsed.items():
        shares[_label(label)] = shares.get(_label(label), 0.0) + share
    if not all(math.isfinite(share) and share >= 0 for share in shares.values()) or sum(shares.values()) <= 0:
        raise BadInputError(f"shares of emotions must be positive numbers, found {text!r}")
    return ",".join(f"{label}:{share:g}" for label, share in sorted(shares.items()))


def _label(text: str) -> str:
    found = parse_emotion(text)
    if found is None or not text.strip():
        raise BadInputError(f"unknown emotion {text[:60]!r}; known are {known_emotions()}, or shares such as happy:0.7,sad:0.3")
    return found.value


def row_problems(number: int, row: ScriptRow) -> Iterator[ScriptProblem]:
    """Yield what is wrong with a row."""
    found = [*_contradictions(row), *_file_names(row), *_text(row), *_output(row)]
    for column, reason, message in found:
        yield ScriptProblem(row=number, column=column, reason=reason, message=message)


_Found = Iterator[tuple[str, ScriptProblemReason, str]]


def _contradictions(row: ScriptRow) -> _Found:
    if row.audio and row.text:
        yield "text", _Reason.CONTRADICTION, "the row has both audio and text; keep the one that is to be heard"
    if not row.audio and not row.text:
        yield "audio", _Reason.MISSING_VALUE, "the row has neither audio nor text; give one of them"
    if row.voice and not row.text:
        yield "voice", _Reason.CONTRADICTION, "a voice goes with a text, and the row has none; clear the voice"
    if row.emotion and row.emotion_reference:
        yield "emotion_reference", _Reason.CONTRADICTION, "the row has both an emotion and a reference for it; keep one of them"


def _file_names(row: ScriptRow) -> _Found:
    names = {"portrait": row.portrait, "audio": row.audio, "emotion_reference": row.emotion_reference}
    if row.pose not in (POSE_AUDIO, POSE_FIXED):
        names["pose"] = row.pose
    for column, name in names.items():
        problem = scheme_problem(name) if name else ""
        if problem:
            yield column, _Reason.UNKNOWN_SCHEME, problem


def _text(row: ScriptRow) -> _Found:
    if not row.text:
        return
    odd = [character for character in row.text if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n\r"]
    if odd:
        yield "text", _Reason.UNSPEAKABLE_TEXT, f"the text holds control characters, first U+{ord(odd[0]):04X}; take them out"
    elif not any(character.isalnum() for character in row.text):
        yield "text", _Reason.UNSPEAKABLE_TEXT, "the text holds neither a letter nor a digit"


def _output(row: ScriptRow) -> _Found:
    problem = output_problem(row.output) if row.output else ""
    if problem:
        yield "output", _Reason.UNSAFE_OUTPUT, problem


def output_problem(output: str) -> str:
    """Return why a name cannot be that of a clip below the output folder; empty: it can."""
    components = output.split("/")
    if output.startswith(("/", "~")) or "\\" in output or ":" in output or not all(name not in ("", ".", "..") for name in components):
        return f"expected a plain name below the output folder, such as promo/hello.mp4, found {output[:80]!r}"
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in output):
        return "the name holds control characters; take them out"
    if any(name.startswith(".") or name != name.strip() for name in components):
        return "no part of the name may begin with a dot, or begin or end with a space"
    if components[0].casefold() in RESERVED_FOLDERS:
        return f"the folder {components[0]!r} is the program's own; choose another name"
    longest = max(len(name.encode()) for name in components)
    if longest > _LONGEST_NAME_BYTES or len(output.encode()) > _LONGEST_OUTPUT_BYTES:
        return f"expected a name of at most {_LONGEST_NAME_BYTES} bytes, found {longest}"
    suffix = PurePosixPath(output).suffix.lower()
    return f"clips are {CLIP_SUFFIX} files, found the suffix {suffix}" if suffix in _OTHER_VIDEO_SUFFIXES else ""
