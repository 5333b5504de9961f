"""The JPEGs of clips out of a frames part that is read into memory whole: for those who want most of its clips."""

from __future__ import annotations

from collections.abc import Container

from pipelines.dataset.part_reading import read_part_index
from pipelines.dataset.staging import FRAMES_TAR
from pipelines.dataset.tar_members import BLOCK_BYTES, padding_bytes
from storage_schemas.errors import StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family, frame_name, part_path

_NAME_BYTES, _SIZE_BYTES = slice(0, 100), slice(124, 135)


def read_clip_jpegs(store: ObjectStore, part: str, wanted: Container[str]) -> dict[str, list[memoryview]]:
    """Return the JPEGs of some clips of a frames part, by clip key; views of the tar, which stays in memory with them.

    Raises:
        FileNotFoundError: the part is not there.
        StoreError: it is damaged.
    """
    index = read_part_index(store, Family.FRAMES, part)
    path = f"{part_path(Family.FRAMES, part)}/{FRAMES_TAR}"
    tar = memoryview(store.read_bytes(path))
    found = {}
    for recording in index.recordings:
        position = recording.tar_bytes.start
        for item in recording.clips:
            position, jpegs = _clip_members(tar, position, item.clip.clip_key, item.clip.frames, f"{store.uri}/{path}")
            if item.clip.clip_key in wanted:
                found[item.clip.clip_key] = jpegs
    return found


def _clip_members(tar: memoryview, position: int, key: str, frames: int, where: str) -> tuple[int, list[memoryview]]:
    """Return the byte after the members of a clip, and its JPEGs; StoreError if others are found."""
    jpegs = []
    for number in range(frames):
        name = frame_name(key, number)
        for suffix in (".jpg", ".json"):
            header = bytes(tar[position : position + BLOCK_BYTES])
            if header[_NAME_BYTES].rstrip(b"\0") != (name + suffix).encode():
                raise StoreError(f"{where}: expected member {name}{suffix} at byte {position}; run `flowvqtalker dataset verify`")
            start, size = position + BLOCK_BYTES, int(header[_SIZE_BYTES], 8)
            if suffix == ".jpg":
                jpegs.append(tar[start : start + size])
            position = start + size + padding_bytes(size)
    return position, jpegs
