"""The mesh covers the frame without gaps, and only the head moves."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.corpora.demo.head_mesh import HeadMesh, build_head_mesh
from pipelines.corpora.demo.portrait import Float, Index, load_portrait


def _areas(triangles: Index, vertices: Float) -> Float:
    corners = vertices[triangles][..., :2]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "mirrored"])
def mesh(request: pytest.FixtureRequest) -> HeadMesh:
    return build_head_mesh(load_portrait(256, mirrored=request.param))


def test_the_triangles_tile_the_frame(mesh: HeadMesh) -> None:
    areas = _areas(mesh.triangles, mesh.vertices)
    assert areas.sum() == pytest.approx(255 * 255, rel=2e-4)
    assert (areas < 0).sum() < 8


def test_holes_are_the_last_triangles(mesh: HeadMesh) -> None:
    assert mesh.hole_count >= 44
    assert np.array_equal(mesh.triangles[: -mesh.hole_count], mesh.skin)


def test_the_head_follows_and_the_border_does_not(mesh: HeadMesh) -> None:
    assert np.all(mesh.follow[:468] == 1)
    at_border = np.any((mesh.vertices[:, :2] < 1) | (mesh.vertices[:, :2] > 254), axis=1)
    assert at_border.sum() > 12
    assert np.all(mesh.follow[at_border] == 0)


def test_the_face_bulges_towards_the_camera(mesh: HeadMesh) -> None:
    assert mesh.vertices[4, 2] < mesh.vertices[33, 2] < mesh.vertices[234, 2]
