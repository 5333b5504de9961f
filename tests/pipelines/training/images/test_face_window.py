from __future__ import annotations

import numpy as np
import pytest

from pipelines.training.images.face_window import WHOLE_CROP, FaceWindow, face_window


def _poses(count: int = 5, x: float = 0.02, y: float = 0.03, size: float = 0.25) -> np.ndarray:
    return np.tile(np.array([0.1, 0.2, 0.3, x, y, size], np.float32), (count, 1))


def test_a_window_has_the_size_that_is_asked_for_and_lies_around_the_face() -> None:
    window = face_window(_poses(), 2.6)
    assert window.side == pytest.approx(0.25 * 2.6, abs=1 / 64)
    pose = window.pose(_poses()[:1])[0]
    assert pose[3] == pytest.approx(0.0, abs=0.02)
    assert 0.1 < pose[4] < 0.2  # the eyes are above the middle
    assert pose[5] == pytest.approx(1 / 2.6, abs=0.01)
    assert pose[:3].tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_windows_stay_inside_the_crop() -> None:
    for x, y in [(-0.4, 0.4), (0.4, -0.4)]:
        window = face_window(_poses(x=x, y=y), 2.6)
        assert window.left >= 0
        assert window.top >= 0
        assert window.left + window.side <= 1
        assert window.top + window.side <= 1
    assert face_window(_poses(size=0.6), 2.6) == WHOLE_CROP
    assert face_window(_poses(), 0.0) == WHOLE_CROP


def test_windows_are_whole_pixels_of_crops_decoded_at_a_quarter() -> None:
    window = face_window(_poses(), 2.6)
    large, small = window.pixels(512), window.pixels(128)
    assert [4 * value for value in small] == list(large)
    assert large[2] == window.side * 512


def test_poses_and_points_move_alike() -> None:
    window = FaceWindow(0.125, 0.25, 0.5)
    rho = _poses(1)
    before = np.array([0.5 + rho[0, 3], 0.5 - rho[0, 4]])
    after = window.pose(rho)[0]
    assert np.allclose(window.points(before), [0.5 + after[3], 0.5 - after[4]], atol=1e-6)
    assert np.array_equal(rho, _poses(1))  # the poses of the crop are left alone
