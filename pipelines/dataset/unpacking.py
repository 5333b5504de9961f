"""Unpacking: one recording of existing parts back into its staged form, byte for byte, so that a rebuilt part can reuse it.

Only the recording's own bytes are read: its range of the tar and its rows of the arrays. Everything is checked against the hashes of
the index, so a damaged part is never carried on into a new one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from pipelines.dataset.frame_tars import IMAGE_SUFFIX, staged_members
from pipelines.dataset.packing import family_hash
from pipelines.dataset.part_arrays import arrays_of
from pipelines.dataset.part_reading import array_rows
from pipelines.dataset.part_store import open_part_array
from pipelines.dataset.staging import FRAMES_TAR, array_file, write_array, write_outcome
from pipelines.dataset.tar_members import END_OF_ARCHIVE
from storage_schemas.clips import FamilyHashes, RecordingOutcome
from storage_schemas.errors import BadInputError, BuildFailedError, StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family, PartClip, PartIndex, PartRecording, RowRange, part_path
from storage_schemas.rejections import Rejection
from storage_schemas.store_trouble import store_trouble

_RANGE_BYTES = 8 * 2**20


def unpack_recording(store: ObjectStore, parts: Mapping[Family, PartIndex], recording_id: str, out_folder: Path) -> RecordingOutcome:
    """Write the staged form of one recording of existing parts.

    Args:
        store: where the parts are.
        parts: index of the part that holds the recording, by family; families that are left out are not unpacked, but the frames
            family must be there, since it alone has every clip.
        recording_id: of the recording.
        out_folder: made here; must not exist, or be empty.

    Returns:
        The outcome as written.

    Raises:
        BadInputError: a part does not hold the recording.
        FileNotFoundError: a file of a part is not there (any more).
        StoreError: a part cannot be read or is damaged, or the folder cannot be written.
    """
    entries = {family: _entry(index, recording_id) for family, index in sorted(parts.items())}
    if Family.FRAMES not in entries:
        msg = f"recording {recording_id}: cannot be unpacked without its frames part"
        raise BadInputError(msg)
    with store_trouble("make", out_folder):
        out_folder.mkdir(parents=True, exist_ok=True)
    for family, entry in entries.items():
        unpack = _unpack_frames if family is Family.FRAMES else _unpack_arrays
        unpack(store, parts[family], entry, out_folder)
    outcome = _outcome(entries)
    write_outcome(out_folder, outcome)
    return outcome


def _entry(index: PartIndex, recording_id: str) -> PartRecording:
    for entry in index.recordings:
        if entry.recording_id == recording_id:
            return entry
    msg = f"part {part_path(index.family, index.key)} does not hold recording {recording_id!r}"
    raise BadInputError(msg)


def _outcome(entries: Mapping[Family, PartRecording]) -> RecordingOutcome:
    frames = entries[Family.FRAMES]
    hashes: dict[str, dict[str, str]] = {}
    for family, entry in entries.items():
        for item in entry.clips:
            hashes.setdefault(item.clip.clip_key, {})[family.value] = family_hash(item.hashes, family)
    return RecordingOutcome(
        recording_id=frames.recording_id,
        content_key=frames.content_key,
        clips=[item.clip for item in frames.clips],
        hashes={key: FamilyHashes(**by_family) for key, by_family in hashes.items()},
        rejections=_rejections(entries),
    )


def _rejections(entries: Mapping[Family, PartRecording]) -> list[Rejection]:
    """Return the rejections of the frames family, then what only another family rejected."""
    found = list(entries[Family.FRAMES].rejections)
    for entry in entries.values():
        found += [rejection for rejection in entry.rejections if rejection not in found]
    return found


def _unpack_frames(store: ObjectStore, part: PartIndex, entry: PartRecording, out_folder: Path) -> None:
    if not entry.clips:
        return
    path = f"{part_path(Family.FRAMES, part.key)}/{FRAMES_TAR}"
    with store_trouble("write", out_folder, missing_is_trouble=False), (out_folder / FRAMES_TAR).open("xb") as out:
        for block in _blocks(store, path, entry.tar_bytes):
            out.write(block)
        out.write(END_OF_ARCHIVE)
    _check_frames(out_folder / FRAMES_TAR, entry, f"{store.uri}/{path}")


def _blocks(store: ObjectStore, path: str, wanted: RowRange) -> Iterator[bytes]:
    end = wanted.start + wanted.count
    for start in range(wanted.start, end, _RANGE_BYTES):
        count = min(_RANGE_BYTES, end - start)
        block = store.read_range(path, start, count)
        if len(block) != count:
            raise _damaged(f"{store.uri}/{path}", f"expected {count} bytes from byte {start}, found {len(block)}")
        yield block


def _check_frames(tar: Path, entry: PartRecording, where: str) -> None:
    digests = {item.clip.clip_key: hashlib.sha256() for item in entry.clips}
    try:
        with tar.open("rb") as stream:
            for member in staged_members(stream, [item.clip for item in entry.clips], where):
                if member.name.endswith(IMAGE_SUFFIX):
                    stream.seek(member.data_start)
                    digests[member.name.split("-", 1)[0]].update(stream.read(member.size_bytes))
    except BuildFailedError as error:
        raise _damaged(where, str(error)) from error
    for item in entry.clips:
        _check_hash(digests[item.clip.clip_key].hexdigest(), item, Family.FRAMES, where)


def _unpack_arrays(store: ObjectStore, part: PartIndex, entry: PartRecording, out_folder: Path) -> None:
    if not entry.clips:
        return
    arrays = {layout.name: open_part_array(store, part.key, layout) for layout in arrays_of(part.family)}
    for item in entry.clips:
        digest = hashlib.sha256()
        for name, array in arrays.items():
            values = np.ascontiguousarray(array_rows(array, item.ranges[name]))
            digest.update(values.data)
            path = out_folder / array_file(item.clip.clip_key, name)
            with store_trouble("write", path), path.open("xb") as out:
                write_array(out, values)
        _check_hash(digest.hexdigest(), item, part.family, f"{store.uri}/{part_path(part.family, part.key)}")


def _check_hash(found: str, item: PartClip, family: Family, where: str) -> None:
    expected = family_hash(item.hashes, family)
    if found != expected:
        raise _damaged(where, f"clip {item.clip.clip_id} should have SHA-256 {expected}, it has {found}")


def _damaged(where: str, what: str) -> StoreError:
    return StoreError(f"{where} is damaged: {what}; run `flowvqtalker dataset verify`, remove the part and build again")
