"""The arrays of a part: dtype, row shape and chunking of each, and what one clip's share of it must look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.media_time import SAMPLES_PER_FRAME
from storage_schemas import part_layout
from storage_schemas.errors import BuildFailedError
from storage_schemas.part_layout import EXPRESSION_SIZE, IDENTITY_SIZE, LANDMARK_COUNT, POSE_SIZE, Family

LOG_MEL_BINS = 80


@dataclass(frozen=True)
class ArrayLayout:
    """How one array is stored; clips follow each other along its first axis.

    Attributes:
        name: of the array in its Zarr group, of the range in the part's index, and of the staged file ``<clip_key>.<name>.npy``.
        family: whose group it is in.
        dtype: little endian.
        row_shape: shape of one row.
        rows_per_chunk, chunks_per_zarr_shard: see `part_layout`.
        attributes: units and meaning, stored with the array.
    """

    name: str
    family: Family
    dtype: np.dtype[Any]
    row_shape: tuple[int, ...]
    rows_per_chunk: int
    chunks_per_zarr_shard: int
    attributes: dict[str, Any]

    @property
    def rows_per_zarr_shard(self) -> int:
        """Rows in one file of the array."""
        return self.rows_per_chunk * self.chunks_per_zarr_shard


_RHO_UNITS = "pitch, yaw, roll in rad; x right and y up from the crop's centre and scale, in shares of the crop's side"


def _coefficients(name: str, dtype: np.dtype[Any], row_shape: tuple[int, ...], units: str) -> ArrayLayout:
    """Return the layout of an array of coefficients with a row a frame."""
    attributes = {"axes": ["frame", "component"][: 1 + len(row_shape)], "units": units, "frames_per_second": 25}
    rows_per_chunk = part_layout.COEFFICIENT_ROWS_PER_CHUNK if row_shape else part_layout.DETECTED_ROWS_PER_CHUNK
    chunks = part_layout.COEFFICIENT_CHUNKS_PER_ZARR_SHARD
    return ArrayLayout(name, Family.COEFFICIENTS, dtype, row_shape, rows_per_chunk, chunks, attributes)


PART_ARRAYS: tuple[ArrayLayout, ...] = (
    ArrayLayout(
        "landmarks", Family.LANDMARKS, np.dtype("<f4"), (LANDMARK_COUNT, 3),
        part_layout.LANDMARK_ROWS_PER_CHUNK, part_layout.LANDMARK_CHUNKS_PER_ZARR_SHARD,
        {"axes": ["frame", "landmark", "x y z"], "units": "pixels of the crop; x right, y down, z in the scale of x",
         "frames_per_second": 25, "undetected": "NaN"},
    ),
    ArrayLayout(
        "detected", Family.LANDMARKS, np.dtype("bool"), (),
        part_layout.DETECTED_ROWS_PER_CHUNK, part_layout.DETECTED_CHUNKS_PER_ZARR_SHARD,
        {"axes": ["frame"], "units": "whether a face was detected", "frames_per_second": 25},
    ),
    ArrayLayout(
        "waveform", Family.AUDIO, np.dtype("<i2"), (),
        part_layout.WAVEFORM_SAMPLES_PER_CHUNK, part_layout.WAVEFORM_CHUNKS_PER_ZARR_SHARD,
        {"axes": ["sample"], "units": "full scale / 32768, mono", "samples_per_second": 16000},
    ),
    ArrayLayout(
        "log_mel", Family.AUDIO, np.dtype("<f4"), (LOG_MEL_BINS,),
        part_layout.LOG_MEL_ROWS_PER_CHUNK, part_layout.LOG_MEL_CHUNKS_PER_ZARR_SHARD,
        {"axes": ["column", "mel bin"], "units": "normalised log magnitude", "columns_per_second": 80},
    ),
    _coefficients("beta", np.dtype("<f4"), (EXPRESSION_SIZE,), "the face model's units; smoothed"),
    _coefficients("rho", np.dtype("<f4"), (POSE_SIZE,), _RHO_UNITS + "; smoothed"),
    _coefficients("beta_raw", np.dtype("<f4"), (EXPRESSION_SIZE,), "the face model's units; frame by frame"),
    _coefficients("rho_raw", np.dtype("<f4"), (POSE_SIZE,), _RHO_UNITS + "; frame by frame"),
    _coefficients("residual", np.dtype("<f4"), (), "mean distance of the landmarks from the fit, inter-ocular distances; NaN: undetected"),
    _coefficients("jitter", np.dtype("<f4"), (), "second difference of the fit's rigid points, inter-ocular distances"),
    _coefficients("flags", np.dtype("u1"), (), "1 missing, 2 residual, 4 expression range, 8 pose range"),
    ArrayLayout(
        "identity", Family.COEFFICIENTS, np.dtype("<f4"), (IDENTITY_SIZE,),
        part_layout.IDENTITY_ROWS_PER_CHUNK, part_layout.IDENTITY_CHUNKS_PER_ZARR_SHARD,
        {"axes": ["clip", "identity mode"], "units": "the face model's units"},
    ),
)  # fmt: skip
"""Every array, family by family, in the order in which a clip's content hash takes them."""

_BY_NAME = {layout.name: layout for layout in PART_ARRAYS}


def layout_of(name: str) -> ArrayLayout:
    """Return the layout of an array by its name; KeyError if there is none."""
    return _BY_NAME[name]


def arrays_of(family: Family) -> tuple[ArrayLayout, ...]:
    """Return the arrays of a family; none for frames, which are in a tar."""
    return tuple(layout for layout in PART_ARRAYS if layout.family is family)


def group_name(family: Family) -> str:
    """Return the name of a family's Zarr group in the part's folder."""
    return f"{family.value}.zarr"


def check_clip_array(layout: ArrayLayout, shape: tuple[int, ...], dtype: np.dtype[Any], frames: int, item: str) -> None:
    """Check that one clip's share of an array has the right dtype, row shape and length.

    Args:
        layout: what it should be.
        shape: found.
        dtype: found.
        frames: number of frames of the clip.
        item: what to call it in the message.

    Raises:
        BuildFailedError: it has not.
    """
    rows = _expected_rows(layout, frames)
    right_length = len(shape) > 0 and (shape[0] == rows if rows is not None else shape[0] > 0)
    if dtype == layout.dtype and shape[1:] == layout.row_shape and right_length:
        return
    length = rows if rows is not None else "1 or more"
    msg = (
        f"{item}: {layout.name} must be {layout.dtype.name} ({', '.join(map(str, (length, *layout.row_shape)))}), "
        f"found {dtype.name} {shape}; this is an error of the program, please report it"
    )
    raise BuildFailedError(msg)


def check_landmark_values(landmarks: NDArray[np.float32], detected: NDArray[np.bool_], item: str) -> None:
    """Check that landmarks are finite exactly where a face was detected and NaN elsewhere.

    Args:
        landmarks: float32 (rows, 478, 3).
        detected: bool (rows,).
        item: what to call it in the message.

    Raises:
        BuildFailedError: they are not; names the first such row.
    """
    finite = np.isfinite(landmarks).all(axis=(1, 2))
    absent = np.isnan(landmarks).all(axis=(1, 2))
    wrong = np.flatnonzero(np.where(detected, ~finite, ~absent))
    if wrong.size:
        row, is_detected = int(wrong[0]), bool(detected[wrong[0]])
        expected = "finite" if is_detected else "NaN"
        msg = f"{item}: landmarks of frame {row} must be {expected}, since detected is {is_detected}, found {landmarks[row, 0]}"
        raise BuildFailedError(msg)


def _expected_rows(layout: ArrayLayout, frames: int) -> int | None:
    if layout.name == "log_mel":
        return None  # depends on the hop of the audio settings
    if layout.name == "identity":
        return 1  # for the whole clip
    return frames * SAMPLES_PER_FRAME if layout.name == "waveform" else frames
