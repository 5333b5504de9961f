"""The warp is exact at rest, leaves no pixel uncovered and remembers nothing."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.corpora.demo.head_mesh import HeadMesh, build_head_mesh
from pipelines.corpora.demo.head_pose import place_head
from pipelines.corpora.demo.portrait import Float, Portrait, load_portrait
from pipelines.corpora.demo.warping import PiecewiseWarp


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    return load_portrait(256)


@pytest.fixture(scope="module")
def mesh(portrait: Portrait) -> HeadMesh:
    return build_head_mesh(portrait)


def _warp(mesh: HeadMesh) -> PiecewiseWarp:
    return PiecewiseWarp(mesh.vertices[:, :2], mesh.triangles, mesh.hole_count, 256)


def _posed(mesh: HeadMesh, yaw_rad: float) -> Float:
    return place_head(mesh.vertices, mesh.follow, mesh, 256, np.array([yaw_rad, 0, 0, 0, 0, 0]))


def test_at_rest_the_texture_comes_back(portrait: Portrait, mesh: HeadMesh) -> None:
    image = _warp(mesh).warp(portrait.image, mesh.vertices, np.ones(len(mesh.vertices)))
    difference = np.abs(image.astype(int) - portrait.image)
    assert difference.mean() < 0.2
    assert np.percentile(difference, 99.5) <= 3


def test_brightness_scales(portrait: Portrait, mesh: HeadMesh) -> None:
    image = _warp(mesh).warp(portrait.image, mesh.vertices, np.full(len(mesh.vertices), 0.5))
    assert image.mean() == pytest.approx(portrait.image.mean() / 2, rel=0.02)


def test_a_frame_does_not_depend_on_the_one_before(portrait: Portrait, mesh: HeadMesh) -> None:
    bright = np.ones(len(mesh.vertices))
    fresh = _warp(mesh).warp(portrait.image, _posed(mesh, 0.2), bright)
    used = _warp(mesh)
    used.warp(portrait.image, _posed(mesh, -0.22), bright)
    assert np.array_equal(used.warp(portrait.image, _posed(mesh, 0.2), bright), fresh)


def test_the_border_stays_where_it_is(portrait: Portrait, mesh: HeadMesh) -> None:
    image = _warp(mesh).warp(portrait.image, _posed(mesh, 0.2), np.ones(len(mesh.vertices)))
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        assert np.abs(image[edge].astype(int) - portrait.image[edge]).mean() < 6
