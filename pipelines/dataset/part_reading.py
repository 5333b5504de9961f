"""Reading parts of a store, on disk or on S3, for people, for training and for rebuilding.

    rows = clips.filter(...)                                   # from versions/<id>/clips.parquet
    landmarks, detected = read_clip_landmarks(store, part_key, RowRange(start=..., count=...))
    for frame in iterate_clip_frames(store, part_key, clip_key): ...

Only the bytes that are asked for are read: chunks of Zarr shards, and a clip's bytes of the tar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import zarr
from numpy.typing import NDArray
from pydantic import ValidationError

from pipelines.dataset.frame_tars import IMAGE_SUFFIX, expected_members, last_byte, member_names
from pipelines.dataset.part_arrays import layout_of
from pipelines.dataset.part_store import open_part_array
from pipelines.dataset.staging import FRAMES_TAR
from storage_schemas.errors import BadInputError, BuildFailedError, StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import PART_INDEX_FILE, Family, PartIndex, PartRecording, RowRange, part_path


@dataclass(frozen=True)
class ClipFrame:
    """One frame of a clip: its number, its JPEG bytes and what was stored beside it."""

    index: int
    jpeg: bytes
    metadata: dict[str, Any]


def read_part_index(store: ObjectStore, family: Family, key: str) -> PartIndex:
    """Read the index of a part.

    Raises:
        FileNotFoundError: the part is not there, or not whole.
        StoreError: the index is damaged.
    """
    path = f"{part_path(family, key)}/{PART_INDEX_FILE}"
    data = store.read_bytes(path)
    try:
        return PartIndex.model_validate_json(data)
    except ValidationError as error:
        msg = f"{store.uri}/{path}: expected the index of a part, found {error.error_count()} wrong fields in {len(data)} bytes"
        raise StoreError(msg) from error


def read_clip_landmarks(store: ObjectStore, part_key: str, rows: RowRange) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read the landmarks of a clip.

    Args:
        store: where the part is.
        part_key: column `landmarks_part` of the clip.
        rows: column `landmarks_start`, and the clip's number of frames.

    Returns:
        float32 (frames, 478, 3) in pixels of the crop, NaN where no face was detected; bool (frames,), whether one was.

    Raises:
        FileNotFoundError: the part is not there.
        StoreError: it cannot be read or is damaged.
    """
    return read_rows(store, part_key, "landmarks", rows), read_rows(store, part_key, "detected", rows)


def read_clip_audio(
    store: ObjectStore, part_key: str, waveform: RowRange, log_mel: RowRange
) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    """Read the audio of a clip.

    Args:
        store: where the part is.
        part_key: column `audio_part` of the clip.
        waveform: columns `waveform_start` and `waveform_samples`.
        log_mel: columns `log_mel_start` and `log_mel_frames`.

    Returns:
        int16 (samples,) at 16 kHz; float32 (columns, 80), 80 columns a second.

    Raises:
        FileNotFoundError: the part is not there.
        StoreError: it cannot be read or is damaged.
    """
    return read_rows(store, part_key, "waveform", waveform), read_rows(store, part_key, "log_mel", log_mel)


def read_rows(store: ObjectStore, part_key: str, name: str, rows: RowRange) -> NDArray[Any]:
    """Read rows of one array of a part.

    Raises:
        BadInputError: the array has no such rows.
        FileNotFoundError: the part is not there.
        StoreError: the part cannot be read or is damaged.
    """
    return array_rows(open_part_array(store, part_key, layout_of(name)), rows)


def array_rows(array: zarr.Array[Any], rows: RowRange) -> NDArray[Any]:
    """Read rows of an array from `open_part_array`; raises as `read_rows`."""
    end = rows.start + rows.count
    if end > array.shape[0]:
        msg = f"{array.store}: rows {rows.start} to {end} were asked for, it has {array.shape[0]}"
        raise BadInputError(msg)
    try:
        return np.asarray(array[rows.start : end])
    except (StoreError, OSError):
        raise
    except Exception as error:  # whatever a codec makes of damaged bytes
        msg = (
            f"{array.store}: rows {rows.start} to {end} do not decode ({type(error).__name__}: {error}); run `flowvqtalker dataset verify`"
        )
        raise StoreError(msg) from error


def iterate_clip_frames(store: ObjectStore, part_key: str, clip_key: str) -> Iterator[ClipFrame]:
    """Yield the frames of a clip, in order.

    Args:
        store: where the part is.
        part_key: column `frames_part` of the clip.
        clip_key: column `clip_key`.

    Raises:
        BadInputError: the part has no such clip.
        FileNotFoundError: the part is not there.
        StoreError: the part cannot be read or is damaged.
    """
    index = read_part_index(store, Family.FRAMES, part_key)
    recording, position = _find_clip(index, clip_key)
    clips = [item.clip for item in recording.clips]
    path = f"{part_path(Family.FRAMES, part_key)}/{FRAMES_TAR}"
    where = f"{store.uri}/{path}"
    try:
        with store.open(path) as stream:
            before = expected_members(stream, member_names(clips[:position]), recording.tar_bytes.start, where)
            start = max(recording.tar_bytes.start, last_byte(before))
            members = expected_members(stream, member_names(clips[position : position + 1]), start, where)
            data = b""
            for number, member in enumerate(members):
                stream.seek(member.data_start)
                if member.name.endswith(IMAGE_SUFFIX):
                    data = stream.read(member.size_bytes)
                else:
                    yield ClipFrame(number // 2, data, orjson.loads(stream.read(member.size_bytes)))
    except BuildFailedError as error:
        msg = f"{error}; run `flowvqtalker dataset verify`"
        raise StoreError(msg) from error


def _find_clip(index: PartIndex, clip_key: str) -> tuple[PartRecording, int]:
    for recording in index.recordings:
        for position, item in enumerate(recording.clips):
            if item.clip.clip_key == clip_key:
                return recording, position
    msg = f"the frames part {index.key} has no clip {clip_key}; look it up in the version's clips table"
    raise BadInputError(msg)
