import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pipelines.face_model.rotations import cross_matrices, euler_from_matrices, matrices_from_euler, matrices_from_vectors

RNG = np.random.default_rng(0)


def test_convention_is_rz_ry_rx() -> None:
    angles = RNG.uniform(-1.4, 1.4, (50, 3))
    assert np.allclose(matrices_from_euler(angles), Rotation.from_euler("xyz", angles).as_matrix())


def test_euler_angles_come_back() -> None:
    angles = RNG.uniform(-1.5, 1.5, (4, 25, 3))
    assert np.allclose(euler_from_matrices(matrices_from_euler(angles)), angles)


@pytest.mark.parametrize(
    ("angles", "point", "moves"),
    [
        ((0.2, 0, 0), (0, 1, 0), (0, 0, 1)),  # pitch: the top of the head comes towards the camera, the face looks down
        ((0, 0.2, 0), (0, 0, 1), (1, 0, 0)),  # yaw: the nose goes to the right of the image
        ((0, 0, 0.2), (1, 0, 0), (0, 1, 0)),  # roll: the right of the image goes up, anticlockwise
    ],
)
def test_signs(angles: tuple[float, ...], point: tuple[float, ...], moves: tuple[float, ...]) -> None:
    moved = matrices_from_euler(np.array(angles)) @ np.array(point) - np.array(point)
    assert moved @ np.array(moves) > 0.1


def test_rotation_vectors() -> None:
    vectors = RNG.normal(size=(30, 3))
    assert np.allclose(matrices_from_vectors(vectors), Rotation.from_rotvec(vectors).as_matrix())
    assert np.array_equal(matrices_from_vectors(np.zeros((1, 3)))[0], np.eye(3))


def test_cross_matrices() -> None:
    first, second = RNG.normal(size=(2, 3))
    assert np.allclose(cross_matrices(first) @ second, np.cross(first, second))
