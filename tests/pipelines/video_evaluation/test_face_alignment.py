from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.face_model.reference import load_reference_face
from pipelines.video_evaluation.face_alignment import FACE_68, Alignment, align, template


def face(scale_px: float, turn_rad: float, place: tuple[float, float]) -> NDArray[np.float64]:
    """Return (1, 478, 3) landmarks of the mean face, so large, turned in the picture, between the eyes at a place."""
    points = load_reference_face().points * np.array([1.0, -1.0, -1.0])
    turned = (points[:, 0] + 1j * points[:, 1]) * scale_px * np.exp(1j * turn_rad) + complex(*place)
    return np.stack([turned.real, turned.imag, points[:, 2] * scale_px], axis=-1)[None]


@pytest.mark.parametrize(("scale", "turn", "place"), [(60.0, 0.0, (64.0, 50.0)), (200.0, 0.4, (300.0, 700.0)), (15.0, -0.3, (20.0, 20.0))])
def test_a_mean_face_of_any_size_and_turn_lands_on_the_template(scale: float, turn: float, place: tuple[float, float]) -> None:
    landmarks = face(scale, turn, place)
    alignment = align(landmarks)

    assert alignment is not None
    points = alignment.points(landmarks, 128)[0, FACE_68]
    assert points[:, 0] == pytest.approx(template().real * 128, abs=1e-6)
    assert points[:, 1] == pytest.approx(template().imag * 128, abs=1e-6)


def test_eyes_nose_mouth_and_chin_lie_inside_the_template() -> None:
    places = template()

    assert places.real.min() > 0
    assert places.real.max() < 1
    assert places.imag.min() > 0
    assert places.imag.max() < 1


@pytest.mark.parametrize("scale", [40.0, 150.0, 600.0])
def test_the_picture_is_moved_as_the_points_are(scale: float) -> None:
    side = int(scale * 3)
    landmarks = face(scale, 0.2, (side / 2, side / 2.4))
    tip = landmarks[0, 1, :2]
    frame = np.zeros((side, side, 3), np.uint8)
    cv2.circle(frame, (round(tip[0] - 0.5), round(tip[1] - 0.5)), max(2, round(scale / 20)), (255, 255, 255), -1)
    alignment = align(landmarks)

    assert alignment is not None
    rows, columns = np.nonzero(alignment.picture(frame, 0, 128)[..., 0] > 127)
    x, y = alignment.points(landmarks, 128)[0, 1]
    assert columns.mean() + 0.5 == pytest.approx(x, abs=1.0)
    assert rows.mean() + 0.5 == pytest.approx(y, abs=1.0)


def test_frames_without_a_face_take_the_map_of_the_nearest_one() -> None:
    landmarks = np.concatenate([face(60, 0, (64, 50)), face(60, 0, (64, 50)), face(90, 0.1, (70, 55))])
    landmarks[1] = np.nan
    landmarks = np.concatenate([landmarks, np.full((2, 478, 3), np.nan)])
    alignment = align(landmarks)

    assert alignment is not None
    assert alignment.found.tolist() == [True, False, True, False, False]
    assert alignment.scale[1] == alignment.scale[0]
    assert (alignment.scale[3:] == alignment.scale[2]).all()
    assert align(np.full((3, 478, 3), np.nan)) is None


def test_the_lids_do_not_move_the_picture() -> None:
    blinking = face(60, 0, (64, 50))
    blinking[0, [159, 158, 160, 386, 385, 387], 1] += 4

    open_eyes, closed = align(face(60, 0, (64, 50))), align(blinking)
    assert open_eyes is not None
    assert closed is not None
    assert closed.scale == pytest.approx(open_eyes.scale)
    assert closed.origin == pytest.approx(open_eyes.origin)


@pytest.mark.parametrize("place", [(300, 250), (10, 240), (590, 5), (-400, 900), (299.5, 499)])
@pytest.mark.parametrize("side_px", [90, 280, 1100])
def test_what_lies_outside_the_aligned_picture_does_not_count_for_large_faces(place: tuple[float, float], side_px: int) -> None:
    frame = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (501, 603, 3)).astype(np.uint8), (0, 0), 2)
    scale = np.exp(0.3j) / side_px
    alignment = Alignment(np.array([scale]), np.array([0.5 + 0.5j - scale * complex(*place)]), np.array([True]))
    size_px = 32
    coarser = max(1, int(side_px / size_px))
    whole = frame[: 501 // coarser * coarser, : 603 // coarser * coarser]
    averaged = cv2.resize(whole, (603 // coarser, 501 // coarser), interpolation=cv2.INTER_AREA)
    on_averaged = Alignment(alignment.scale * coarser, alignment.origin, alignment.found)

    assert np.array_equal(alignment.picture(frame, 0, size_px), on_averaged.picture(averaged, 0, size_px))
