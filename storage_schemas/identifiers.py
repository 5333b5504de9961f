"""Names and hashes: readable ids, storage keys and content hashes that are the same on every machine."""

from __future__ import annotations

import hashlib
import os
import re
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

import orjson

# Everything a person can read on one line stays as it is; "%" is escaped so that the escape is reversible.
_ESCAPED_CHARACTER = re.compile(r"[%\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Emotion(StrEnum):
    """The emotion classes of MEAD in their file-name spelling, and the ninth class for clips without a label (paper, section 4)."""

    ANGRY = "angry"
    CONTEMPT = "contempt"
    DISGUSTED = "disgusted"
    FEAR = "fear"
    HAPPY = "happy"
    NEUTRAL = "neutral"
    SAD = "sad"
    SURPRISED = "surprised"
    UNLABELLED = "unlabelled"


def escape_path(path: str | os.PathLike[str]) -> str:
    """Write a file path as printable text on one line, reversibly (see `unescape_path`).

    Control characters, line separators, backslashes, "%" and bytes that are not UTF-8 become ``%XX``; spaces, "#", quotes and
    other Unicode stay readable.
    """
    text = os.fsencode(path).decode("utf-8", "surrogateescape")
    return _ESCAPED_CHARACTER.sub(_percent_encode, text)


def _percent_encode(match: re.Match[str]) -> str:
    return quote_from_bytes(match.group().encode("utf-8", "surrogateescape"), safe="")


def unescape_path(escaped: str) -> str:
    """Return the file path that `escape_path` was given."""
    return os.fsdecode(unquote_to_bytes(escaped.encode("utf-8")))


def canonical_json_bytes(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Encode a JSON value in the one form that is hashed: sorted keys, no spaces, UTF-8.

    Raises:
        TypeError: if the value holds something JSON cannot say (orjson's own message names it).
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def content_hash(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Return the SHA-256 (64 hex digits) of the canonical JSON of a value."""
    return hashlib.sha256(canonical_json_bytes(value)).hexdigest()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 (64 hex digits) of a file, read piece by piece; OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def clip_key(clip_id: str) -> str:
    """Return the storage key of a clip: 16 hex digits, safe in WebDataset names, where dots would merge samples."""
    return hashlib.sha256(clip_id.encode("utf-8")).hexdigest()[:16]
