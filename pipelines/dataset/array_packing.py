"""The Zarr arrays of a part, written one Zarr shard after the other from staged .npy files.

One writer, whole Zarr shards, every chunk written even if it is all fill value: the same data give the same bytes, and memory holds one
Zarr shard at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import FileIO
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import ZstdCodec
from zarr.storage import LocalStore

from pipelines.dataset.part_arrays import ArrayLayout, arrays_of, check_clip_array, check_landmark_values, group_name
from pipelines.dataset.staging import ArrayHeader, StagedRecording, read_array_header
from storage_schemas.clips import Clip
from storage_schemas.errors import BuildFailedError
from storage_schemas.part_layout import PART_FORMAT, ZSTD_LEVEL, Family, RowRange

_CHECKED_ROWS = 1024


@dataclass(frozen=True)
class _Source:
    """One clip's share of one array, as it lies staged."""

    clip: Clip
    path: Path
    header: ArrayHeader

    @property
    def rows(self) -> int:
        return self.header.shape[0]


def write_family_arrays(
    family: Family, recordings: Sequence[StagedRecording], clips: Sequence[Sequence[Clip]], out_folder: Path
) -> dict[str, dict[str, RowRange]]:
    """Write the Zarr group of a family and return where each clip lies: by clip key, then by array.

    Args:
        family: landmarks or audio.
        recordings: staged, in order.
        clips: of each recording, those that have the family.
        out_folder: of the part; no group is made if there is no clip.

    Raises:
        BuildFailedError: an array is not what it should be.
        OSError: the group cannot be written.
    """
    ranges: dict[str, dict[str, RowRange]] = {clip.clip_key: {} for of_recording in clips for clip in of_recording}
    if not ranges:
        return ranges
    attributes = {"family": family.value, "format": PART_FORMAT}
    group = zarr.create_group(LocalStore(out_folder / group_name(family)), zarr_format=3, attributes=attributes)
    sources_of = {layout.name: _sources(layout, recordings, clips) for layout in arrays_of(family)}
    if family is Family.LANDMARKS:
        for landmarks, detected in zip(sources_of["landmarks"], sources_of["detected"], strict=True):
            _check_landmarks(landmarks, detected)
    for layout in arrays_of(family):
        sources = sources_of[layout.name]
        _write_array(group, layout, sources)
        for source, start in zip(sources, accumulate((source.rows for source in sources), initial=0), strict=False):
            ranges[source.clip.clip_key][layout.name] = RowRange(start=start, count=source.rows)
    return ranges


def _sources(layout: ArrayLayout, recordings: Sequence[StagedRecording], clips: Sequence[Sequence[Clip]]) -> list[_Source]:
    return [
        _source(layout, clip, recording.array_path(clip.clip_key, layout.name))
        for recording, of_recording in zip(recordings, clips, strict=True)
        for clip in of_recording
    ]


def _source(layout: ArrayLayout, clip: Clip, path: Path) -> _Source:
    try:
        header = read_array_header(path)
    except FileNotFoundError as error:
        msg = (
            f"clip {clip.clip_id}: the outcome says that it has {layout.family}, but {path} is not there; remove the folder and build again"
        )
        raise BuildFailedError(msg) from error
    check_clip_array(layout, header.shape, header.dtype, clip.frames, f"clip {clip.clip_id}")
    return _Source(clip, path, header)


def _write_array(group: zarr.Group, layout: ArrayLayout, sources: Sequence[_Source]) -> None:
    rows = sum(source.rows for source in sources)
    array = group.create_array(
        layout.name,
        shape=(rows, *layout.row_shape),
        dtype=layout.dtype,
        chunks=(layout.rows_per_chunk, *layout.row_shape),
        shards=(layout.rows_per_zarr_shard, *layout.row_shape),
        compressors=[ZstdCodec(level=ZSTD_LEVEL)],
        fill_value=layout.dtype.type(0),
        attributes=layout.attributes,
        config={"write_empty_chunks": True},
    )
    buffer: NDArray[Any] = np.empty((min(rows, layout.rows_per_zarr_shard), *layout.row_shape), layout.dtype)
    filled = written = 0
    for source in sources:
        with source.path.open("rb", buffering=0) as stream:
            stream.seek(source.header.data_start)
            taken = 0
            while taken < source.rows:
                count = min(source.rows - taken, len(buffer) - filled)
                _read_into(stream, buffer[filled : filled + count], source)
                taken += count
                filled += count
                if filled == len(buffer):
                    array[written : written + filled] = buffer
                    written, filled = written + filled, 0
    if filled:
        array[written : written + filled] = buffer[:filled]


def _read_into(stream: FileIO, target: NDArray[Any], source: _Source) -> None:
    view = target.data.cast("B")
    while view:
        count = stream.readinto(view)
        if not count:
            msg = f"{source.path}: expected {source.header.shape} {source.header.dtype.name}, the file ends early"
            raise BuildFailedError(msg)
        view = view[count:]


def _check_landmarks(landmarks: _Source, detected: _Source) -> None:
    flags = np.load(detected.path, allow_pickle=False)
    values = np.load(landmarks.path, mmap_mode="r", allow_pickle=False)
    for begin in range(0, landmarks.rows, _CHECKED_ROWS):
        end = begin + _CHECKED_ROWS
        check_landmark_values(values[begin:end], flags[begin:end], f"clip {landmarks.clip.clip_id}, from frame {begin}")
