import numpy as np

from pipelines.face_model.landmark_points import MEDIAPIPE_OF_68, brow_height, eye_opening, mouth_opening, mouth_width
from pipelines.face_model.reference import load_reference_face


def test_measures_of_the_reference_face() -> None:
    points = load_reference_face().points[:, :2]
    assert 0.4 < mouth_width(points) < 0.7
    assert 0 <= mouth_opening(points) < 0.15
    assert eye_opening(points).shape == (2,)
    assert np.allclose(*eye_opening(points), atol=1e-3)
    assert np.allclose(*brow_height(points), atol=1e-3)


def test_measures_keep_leading_axes() -> None:
    points = np.broadcast_to(load_reference_face().points, (4, 5, 478, 3))
    assert mouth_opening(points).shape == (4, 5)
    assert brow_height(points).shape == (4, 5, 2)


def test_the_68_points_are_symmetric() -> None:
    face = load_reference_face()
    mirror_of_68 = [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31]
    mirror_of_68 += [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    mirror_of_68 += [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
    points = face.points[list(MEDIAPIPE_OF_68)]
    mirrored = points[mirror_of_68] * np.array([-1.0, 1, 1])
    assert len(set(MEDIAPIPE_OF_68)) == 68
    assert np.abs(mirrored - points).max() < 0.03
