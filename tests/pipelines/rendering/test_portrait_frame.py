from __future__ import annotations

import numpy as np
import pytest

from pipelines.rendering.portrait_frame import FacePlace, SquareWindow, cut_window, pose_in_window, window_for

POSE = np.array([0.1, -0.2, 0.05, 0.03, 0.08, 0.3])


def test_a_face_gets_the_place_that_was_asked_for() -> None:
    window = SquareWindow(10, 20, 4000)
    place = FacePlace(0.0, 0.15, 0.385)

    chosen = window_for(POSE, window, place)

    moved = pose_in_window(POSE, window, chosen)
    np.testing.assert_allclose(moved[3:], [place.x, place.y, place.scale], atol=2e-3)
    np.testing.assert_array_equal(moved[:3], POSE[:3])


def test_poses_come_back_from_another_window() -> None:
    one, other = SquareWindow(10, 20, 300), SquareWindow(-40, 60, 217)
    poses = np.stack([POSE, POSE * 0.5 + 0.1])

    np.testing.assert_allclose(pose_in_window(pose_in_window(poses, one, other), other, one), poses, atol=1e-12)


def test_a_pose_names_the_same_pixel_in_both_windows() -> None:
    one, other = SquareWindow(10, 20, 300), SquareWindow(-40, 60, 217)
    moved = pose_in_window(POSE, one, other)

    def eyes(pose: np.ndarray, window: SquareWindow) -> np.ndarray:
        return window.centre + np.array([pose[3], -pose[4]]) * window.size_px

    np.testing.assert_allclose(eyes(moved, other), eyes(POSE, one))
    assert moved[5] * other.size_px == pytest.approx(POSE[5] * one.size_px)


def test_what_lies_beyond_the_picture_repeats_its_edge() -> None:
    rgb = np.zeros((20, 30, 3), np.uint8)
    rgb[:, 0] = 200
    window = SquareWindow(-10, 0, 20)

    cut = cut_window(rgb, window, 20)

    assert (cut[:, :11] == 200).all()
    assert (cut[:, 11:] == 0).all()
    assert window.share_outside(30, 20) == 0.5


def test_a_window_inside_is_cut_as_it_is() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)

    np.testing.assert_array_equal(cut_window(rgb, SquareWindow(5, 7, 16), 16), rgb[7:23, 5:21])
    assert SquareWindow(5, 7, 16).share_outside(50, 40) == 0


def test_a_window_that_misses_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the picture of 50 x 40 px"):
        cut_window(np.zeros((40, 50, 3), np.uint8), SquareWindow(60, 0, 10), 10)


def test_surroundings_of_a_window() -> None:
    window = window_for(POSE, SquareWindow(10, 20, 300), FacePlace(0.0, 0.15, 0.385))

    assert window.size_px % 8 == 0
    around = window.enlarged(1 / 8)
    np.testing.assert_array_equal(around.centre, window.centre)
    assert around.size_px == window.size_px * 10 // 8
