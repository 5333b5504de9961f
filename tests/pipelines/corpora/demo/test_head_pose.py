"""Rotations have the signs their names say, and nothing moves without a pose."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.corpora.demo.head_mesh import HeadMesh, build_head_mesh
from pipelines.corpora.demo.head_pose import nearness, place_head, rotation_matrix
from pipelines.corpora.demo.portrait import load_portrait

_NOSE, _LEFT_EYE, _RIGHT_EYE = 4, 33, 263


@pytest.fixture(scope="module")
def mesh() -> HeadMesh:
    return build_head_mesh(load_portrait(256))


def _moved(mesh: HeadMesh, **pose: float) -> np.ndarray:
    names = ("yaw", "pitch", "roll", "x", "y", "z")
    return place_head(mesh.vertices, mesh.follow, mesh, 256, np.array([pose.get(name, 0.0) for name in names])) - mesh.vertices


def test_rotation_is_a_rotation() -> None:
    rotation = rotation_matrix(0.2, -0.1, 0.3)
    assert rotation @ rotation.T == pytest.approx(np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_zero_pose_moves_nothing(mesh: HeadMesh) -> None:
    assert np.abs(_moved(mesh)).max() < 1e-9


def test_signs(mesh: HeadMesh) -> None:
    assert _moved(mesh, yaw=0.1)[_NOSE, 0] < 0  # to the image's left
    assert _moved(mesh, pitch=0.1)[_NOSE, 1] > 0  # looks down
    rolled = _moved(mesh, roll=0.1)
    assert rolled[_RIGHT_EYE, 1] > rolled[_LEFT_EYE, 1]  # clockwise on screen
    assert _moved(mesh, x=3, y=-2)[_NOSE, :2] == pytest.approx([3, -2])


def test_a_nearer_head_is_larger(mesh: HeadMesh) -> None:
    moved = _moved(mesh, z=-30) + mesh.vertices
    width = moved[_RIGHT_EYE, 0] - moved[_LEFT_EYE, 0]
    at_rest = mesh.vertices[_RIGHT_EYE, 0] - mesh.vertices[_LEFT_EYE, 0]
    assert width / at_rest == pytest.approx(nearness(np.array([0, 0, 0, 0, 0, -30.0]), 256))
    assert width > at_rest
