from __future__ import annotations

import numpy as np
import pytest

from pipelines.video_evaluation.face_alignment import FACE_68, MOUTH_20
from pipelines.video_evaluation.landmark_measures import face_distances, landmark_distances, mouth_distances

POINTS = np.random.default_rng(0).uniform(0, 128, (4, 478, 2))


def test_equal_faces_have_distance_zero() -> None:
    assert face_distances(POINTS, POINTS).tolist() == [0.0] * 4
    assert mouth_distances(POINTS, POINTS).tolist() == [0.0] * 4


def test_moved_faces_have_the_same_distance_and_larger_ones_have_not() -> None:
    other = POINTS + np.random.default_rng(1).normal(0, 2, POINTS.shape)
    moved = other + np.array([30.0, -11.0])

    assert face_distances(moved, POINTS) == pytest.approx(face_distances(other, POINTS))
    assert mouth_distances(moved, POINTS) == pytest.approx(mouth_distances(other, POINTS))
    assert (face_distances(1.2 * POINTS, POINTS) > 1).all()
    # Both twice as large: twice the distance, in pixels of the picture.
    assert face_distances(2 * other, 2 * POINTS) == pytest.approx(2 * face_distances(other, POINTS))


def test_a_known_distance() -> None:
    true = np.zeros((1, 4, 2))
    made = np.array([[[3.0, 4.0], [-3.0, -4.0], [3.0, 4.0], [-3.0, -4.0]]])

    assert landmark_distances(made, true).tolist() == [5.0]


def test_mouth_and_face_look_at_their_own_points() -> None:
    made = POINTS.copy()
    jaw = FACE_68[0]
    made[:, jaw] += 50

    assert len(FACE_68[MOUTH_20]) == 20
    assert len(FACE_68) == 68
    assert mouth_distances(made, POINTS) == pytest.approx(0)
    assert (face_distances(made, POINTS) > 0.5).all()


def test_a_frame_without_a_face_has_no_distance() -> None:
    made = POINTS.copy()
    made[2] = np.nan

    assert np.isnan(face_distances(made, POINTS)).tolist() == [False, False, True, False]
