from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines.reports.landmark_drawing import draw_landmarks, thumbnail_jpeg
from tests.factories.report_tables import plain_crop_jpeg


def landmarks_within(side_px: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.3 * side_px, 0.7 * side_px, (478, 2)).astype(np.float32)


def test_drawing_leaves_the_given_picture_alone_and_draws_inside_the_face() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    drawn = draw_landmarks(image, landmarks_within(100))

    assert not image.any()
    rows, columns = np.nonzero(drawn.any(axis=2))
    assert rows.min() >= 29
    assert columns.max() <= 71


def test_an_undetected_face_draws_nothing() -> None:
    assert not draw_landmarks(np.zeros((64, 64, 3), np.uint8), np.full((478, 3), np.nan, np.float32)).any()


def test_landmarks_far_outside_do_not_break_the_drawing() -> None:
    draw_landmarks(np.zeros((64, 64, 3), np.uint8), np.full((478, 2), 1e9, np.float32))


def test_a_thumbnail_has_the_asked_side_and_landmarks_in_its_own_scale() -> None:
    crop = plain_crop_jpeg(512, grey=0)
    plain = cv2.imdecode(np.frombuffer(thumbnail_jpeg(crop, None, 160), np.uint8), cv2.IMREAD_COLOR)
    drawn = cv2.imdecode(np.frombuffer(thumbnail_jpeg(crop, landmarks_within(512), 160), np.uint8), cv2.IMREAD_COLOR)

    assert plain.shape == drawn.shape == (160, 160, 3)
    rows, _ = np.nonzero(drawn.max(axis=2) > 60)
    assert plain.max() < 10
    assert 40 < rows.min() < rows.max() < 120


def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(ValueError, match="7 bytes that do not decode"):
        thumbnail_jpeg(b"nothing", None)
