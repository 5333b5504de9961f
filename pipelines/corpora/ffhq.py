"""FFHQ: a tree of still images (``00000/00000.png``), each of another person.

If the metadata file of the distribution, ``ffhq-dataset-v2.json``, lies in the source folder, each image gets its own licence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from pipelines.corpora.listing_builder import ListingBuilder
from pipelines.corpora.walking import IMAGE_SUFFIXES, walk_files
from storage_schemas.build_spec import CorpusSettings
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import Emotion, escape_path
from storage_schemas.recordings import Recording

FFHQ_LICENCE = "FFHQ: CC BY-NC-SA 4.0 (NVIDIA); each photograph has its photographer's own licence, see ffhq-dataset-v2.json"
METADATA_FILE = "ffhq-dataset-v2.json"

_BLOCK_CHARACTERS = 1 << 20
_LARGEST_ENTRY_CHARACTERS = 1 << 24


def list_ffhq(root: Path, settings: CorpusSettings, builder: ListingBuilder) -> None:  # noqa: ARG001 - the builder filters
    """List the images of a tree as stills; the speaker of each is its file's stem, the id its path.

    Raises:
        BadInputError: if the metadata file is there but is not FFHQ's.
    """
    licences = _licences(root / METADATA_FILE)
    if not builder.wants(emotion=Emotion.UNLABELLED):
        return
    for file in walk_files(root, IMAGE_SUFFIXES):
        path = escape_path(file.path)
        if file.problem:
            builder.reject_file(path, path, file.problem)
            continue
        name = path.rpartition("/")[2]
        stem = name[: name.rindex(".")] or name
        number = int(stem) if stem.isascii() and stem.isdigit() else -1
        builder.add(
            Recording(
                recording_id=path, video=path, is_still=True, speaker=stem,
                licence=licences.get(number, FFHQ_LICENCE), size_bytes=file.size_bytes,
            )
        )  # fmt: skip


def _licences(metadata: Path) -> dict[int, str]:
    """Return the licence note of each image by its number; empty if there is no metadata file."""
    if not metadata.is_file():
        return {}
    notes: dict[str, str] = {}  # a few licences for 70,000 images: one string each
    licences: dict[int, str] = {}
    try:
        with metadata.open(encoding="utf-8") as text:
            for key, entry in _members(text):
                note = _licence_note(entry["metadata"])
                licences[int(key)] = notes.setdefault(note, note)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{metadata}: expected FFHQ's metadata ({{'0': {{'metadata': {{'license': ...}}}}}}), found otherwise: {error!r}"
        raise BadInputError(msg) from error
    return licences


def _licence_note(metadata: dict[str, Any]) -> str:
    parts = [str(metadata.get(key, "")).strip() for key in ("license", "license_url")]
    return " ".join(part for part in parts if part) or FFHQ_LICENCE


def _members(text: TextIO) -> Iterator[tuple[str, Any]]:
    """Yield the members of one large JSON object without holding all of it: the real file has 255 MB."""
    decoder = json.JSONDecoder()
    buffer = text.read(_BLOCK_CHARACTERS).lstrip()
    if not buffer.startswith("{"):
        msg = "the file does not start with '{'"
        raise ValueError(msg)
    buffer = buffer[1:].lstrip()
    position = 0
    while True:
        try:
            key, value, end = _member(decoder, buffer, position)
        except json.JSONDecodeError:
            if buffer[position:].strip() == "}":
                return
            block = text.read(_BLOCK_CHARACTERS)
            if not block or len(buffer) - position > _LARGEST_ENTRY_CHARACTERS:
                raise
            buffer, position = buffer[position:] + block, 0
            continue
        yield key, value
        position = end


def _member(decoder: json.JSONDecoder, buffer: str, position: int) -> tuple[str, Any, int]:
    """Return key, value and the position behind the member; JSONDecodeError where the buffer ends too early."""
    start = _skip(buffer, position, ",")
    key, end = decoder.raw_decode(buffer, start)
    colon = _skip(buffer, end, ":")
    value, end = decoder.raw_decode(buffer, colon)
    return key, value, end


def _skip(buffer: str, position: int, mark: str) -> int:
    while position < len(buffer) and (buffer[position].isspace() or buffer[position] == mark):
        position += 1
    return position
