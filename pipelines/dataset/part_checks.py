"""Checks of one stored part: every byte of every file against its hash, and what the bytes decode to against the part's index.

Frames are hashed and decoded in one pass over the tar, without a copy; Zarr arrays are copied to a scratch folder while they are hashed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import zarr
from pydantic import ValidationError

from pipelines.dataset.frame_tar_checks import check_frames_tar
from pipelines.dataset.local_copies import folder_for_copies
from pipelines.dataset.packing import family_hash
from pipelines.dataset.part_arrays import ArrayLayout, arrays_of, group_name
from pipelines.dataset.problems import Check, Problem, ProblemList
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import PART_FORMAT, PART_INDEX_FILE, Family, PartClip, PartIndex, part_path

FRAMES_TAR = "frames.tar"
_BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class ObjectRow:
    """A row of OBJECT_SCHEMA."""

    uri: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class PartToCheck:
    """A part as a version names it.

    Attributes:
        family, key: which part.
        objects: its files, part.json included.
        crop_size_px: side of its frames.
    """

    family: Family
    key: str
    objects: tuple[ObjectRow, ...]
    crop_size_px: int

    @property
    def folder(self) -> str:
        """Folder of the part relative to the store."""
        return part_path(self.family, self.key)


def check_part(store: ObjectStore, part: PartToCheck) -> list[Problem]:
    """Re-hash and decode every file of a part and return what is wrong with it; damaged data raise nothing."""
    problems = ProblemList()
    index = _read_index(store, part, problems)
    with folder_for_copies(store) as scratch:
        for item in part.objects:
            _check_object(store, part, item, index, scratch, problems)
        if index is not None and arrays_of(part.family):
            _check_arrays(part, index, scratch, problems)
    return problems.all()


def _read_index(store: ObjectStore, part: PartToCheck, problems: ProblemList) -> PartIndex | None:
    path = f"{part.folder}/{PART_INDEX_FILE}"
    try:
        data = store.read_bytes(path)
        index = PartIndex.model_validate_json(data)
    except (FileNotFoundError, StoreError):
        return None  # reported with the objects
    except ValidationError as error:
        problems.add(Check.PART_INDEX, path, f"expected the index of a part, found {error.error_count()} wrong fields in {len(data)} bytes")
        return None
    if (index.format, index.family, index.key) != (PART_FORMAT, part.family, part.key):
        found = f"format {index.format}, {index.family} {index.key}"
        problems.add(Check.PART_INDEX, path, f"expected format {PART_FORMAT}, {part.family} {part.key}, found {found}")
    listed = {f"{part.folder}/{item.path}": (item.size_bytes, item.sha256) for item in index.objects}
    named = {item.uri: (item.size_bytes, item.sha256) for item in part.objects if item.uri != path}
    for uri in sorted(listed.keys() | named.keys()):
        if listed.get(uri) != named.get(uri):
            problems.add(Check.PART_INDEX, uri, f"the version says {named.get(uri)}, the part's index {listed.get(uri)}")
    return index


def _check_object(
    store: ObjectStore, part: PartToCheck, item: ObjectRow, index: PartIndex | None, scratch: Path, problems: ProblemList
) -> None:
    try:
        with store.open(item.uri) as stream:
            reader = _HashingReader(stream)
            name = item.uri.removeprefix(f"{part.folder}/")
            if name == FRAMES_TAR and index is not None:
                check_frames_tar(reader, item.uri, index, part.crop_size_px, problems)
            elif arrays_of(part.family) and name != PART_INDEX_FILE:
                _copy(reader, scratch / name)
            reader.drain()
    except FileNotFoundError:
        problems.add(Check.OBJECT, item.uri, f"expected {item.size_bytes} bytes, the object is missing")
    except _ScratchError:
        raise
    except (StoreError, OSError, BadInputError) as error:
        problems.add(Check.OBJECT, item.uri, f"the object cannot be read: {error}")
    else:
        if reader.size_bytes != item.size_bytes:
            problems.add(Check.OBJECT, item.uri, f"expected {item.size_bytes} bytes, found {reader.size_bytes}")
        elif reader.sha256() != item.sha256:
            problems.add(Check.OBJECT, item.uri, f"expected SHA-256 {item.sha256}, found {reader.sha256()}")


class _HashingReader:
    """Reads a file once, hashing what passes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def read(self, count: int = _BLOCK_BYTES) -> bytes:
        data = self._stream.read(count)
        self._digest.update(data)
        self.size_bytes += len(data)
        return data

    def drain(self) -> None:
        while self.read(_BLOCK_BYTES):
            pass

    def sha256(self) -> str:
        return self._digest.hexdigest()


class _ScratchError(StoreError):
    """The scratch folder cannot be written, which is no fault of the object."""


def _copy(reader: _HashingReader, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = target.open("xb", buffering=0)
    except OSError as error:
        raise _ScratchError(f"cannot write {target}: {error}; free some space, then verify again") from error
    with file:
        while block := reader.read(_BLOCK_BYTES):
            _write(file, block)


def _write(file: io.FileIO, block: bytes) -> None:
    remaining = memoryview(block)
    try:
        while remaining:
            remaining = remaining[file.write(remaining) :]
    except OSError as error:
        raise _ScratchError(f"cannot write {file.name}: {error}; free some space, then verify again") from error


def _check_arrays(part: PartToCheck, index: PartIndex, scratch: Path, problems: ProblemList) -> None:
    clips = [clip for recording in index.recordings for clip in recording.clips]
    if not clips:
        return
    layouts = arrays_of(part.family)
    arrays = [_open_array(part, scratch, layout, problems) for layout in layouts]
    for layout, array in zip(layouts, arrays, strict=True):
        if array is not None:
            _check_ranges(f"{part.folder}/{group_name(part.family)}/{layout.name}", layout.name, array.shape[0], clips, problems)
    for clip in clips:
        _check_clip(part, clip, arrays, problems)


def _open_array(part: PartToCheck, scratch: Path, layout: ArrayLayout, problems: ProblemList) -> zarr.Array[Any] | None:
    where = f"{part.folder}/{group_name(part.family)}/{layout.name}"
    try:
        array = zarr.open_array(scratch / group_name(part.family) / layout.name, mode="r", zarr_format=3)
    except Exception as error:
        problems.add(Check.ARRAY, where, f"expected a Zarr array, it cannot be opened: {type(error).__name__}: {error}")
        return None
    if array.dtype != layout.dtype or array.shape[1:] != layout.row_shape:
        problems.add(Check.ARRAY, where, f"expected {layout.dtype} rows of shape {layout.row_shape}, found {array.dtype} {array.shape}")
        return None
    return array


def _check_ranges(where: str, name: str, rows: int, clips: Sequence[PartClip], problems: ProblemList) -> None:
    end = 0
    for item in clips:
        stored = item.ranges.get(name)
        if stored is None or stored.start != end:
            problems.add(Check.ARRAY, where, f"clip {item.clip.clip_id} should start at row {end}, its index says {stored}")
        if stored is not None:
            end = stored.start + stored.count
    if end != rows:
        problems.add(Check.ARRAY, where, f"its clips end at row {end}, the array has {rows}")


def _check_clip(part: PartToCheck, item: PartClip, arrays: Sequence[zarr.Array[Any] | None], problems: ProblemList) -> None:
    digest = hashlib.sha256()
    for layout, array in zip(arrays_of(part.family), arrays, strict=True):
        stored = item.ranges.get(layout.name)
        if array is None or stored is None:
            return
        try:
            values: npt.NDArray[Any] = np.asarray(array[stored.start : stored.start + stored.count])
        except Exception as error:
            problems.add(Check.ARRAY, item.clip.clip_id, f"{part.folder}/{layout.name} does not decode: {type(error).__name__}: {error}")
            return
        digest.update(np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
    expected = family_hash(item.hashes, part.family)
    if digest.hexdigest() != expected:
        problems.add(Check.CLIP_HASH, item.clip.clip_id, f"{part.folder}: expected decoded rows with SHA-256 {expected}, found another")


def parts_of(rows: Iterable[dict[str, Any]], crop_size_px: int) -> Iterator[PartToCheck]:
    """Group rows of OBJECT_SCHEMA, which come sorted by uri, into parts."""
    pending: list[ObjectRow] = []
    current: tuple[str, str] | None = None
    for row in rows:
        found = row["family"], row["part_key"]
        if current is not None and found != current:
            yield PartToCheck(Family(current[0]), current[1], tuple(pending), crop_size_px)
            pending = []
        current = found
        pending.append(ObjectRow(row["uri"], row["size_bytes"], row["sha256"]))
    if current is not None:
        yield PartToCheck(Family(current[0]), current[1], tuple(pending), crop_size_px)
