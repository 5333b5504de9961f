from __future__ import annotations

import numpy as np
import pytest

from pipelines.dataset.part_arrays import PART_ARRAYS, arrays_of, check_clip_array, check_landmark_values, group_name, layout_of
from storage_schemas.errors import BuildFailedError
from storage_schemas.part_layout import Family


def test_arrays_by_family_in_hash_order() -> None:
    assert [layout.name for layout in arrays_of(Family.LANDMARKS)] == ["landmarks", "detected"]
    assert [layout.name for layout in arrays_of(Family.AUDIO)] == ["waveform", "log_mel"]
    assert arrays_of(Family.FRAMES) == ()
    assert group_name(Family.AUDIO) == "audio.zarr"


def test_zarr_shards_have_a_moderate_size() -> None:
    for layout in PART_ARRAYS:
        size_bytes = layout.rows_per_zarr_shard * layout.dtype.itemsize * int(np.prod(layout.row_shape))
        assert 2**17 < size_bytes < 32 * 2**20, layout.name


@pytest.mark.parametrize(
    ("name", "shape", "dtype"),
    [
        ("landmarks", (3, 478, 3), "f4"),
        ("detected", (3,), "?"),
        ("waveform", (1920,), "i2"),
        ("log_mel", (10, 80), "f4"),
        ("beta", (3, 64), "f4"),
        ("flags", (3,), "u1"),
        ("identity", (1, 80), "f4"),
    ],
)
def test_right_arrays_pass(name: str, shape: tuple[int, ...], dtype: str) -> None:
    check_clip_array(layout_of(name), shape, np.dtype(dtype), 3, "clip")
    for wrong in ((), (0, *shape[1:]), (*shape, 1)):
        with pytest.raises(BuildFailedError, match=f"clip: {name} must be"):
            check_clip_array(layout_of(name), wrong, np.dtype(dtype), 3, "clip")


def test_landmark_values() -> None:
    landmarks = np.ones((3, 478, 3), np.float32)
    detected = np.array([True, False, True])
    with pytest.raises(BuildFailedError, match="frame 1 must be NaN"):
        check_landmark_values(landmarks, detected, "clip")
    landmarks[1] = np.nan
    check_landmark_values(landmarks, detected, "clip")
    landmarks[2, 477, 2] = np.inf
    with pytest.raises(BuildFailedError, match="frame 2 must be finite"):
        check_landmark_values(landmarks, detected, "clip")
