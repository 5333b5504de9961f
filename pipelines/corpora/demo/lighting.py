"""How brightness changes when the head turns under a light that stays where it is.

A warped portrait keeps its shading, which contradicts its new pose: a nose that points down but is lit as if it pointed ahead. Each
vertex' brightness is scaled by what its turned normal receives over what it received in the portrait.
"""

from __future__ import annotations

import numpy as np

from pipelines.corpora.demo.head_mesh import HeadMesh
from pipelines.corpora.demo.portrait import Float

_LIGHT = (-0.15, -0.8, -1.0)  # towards the light: above, before and a little to the left of the portrait
_AMBIENT = 0.7  # share of light that comes from all sides
_RANGE = (0.7, 1.3)
_SMOOTHING_ROUNDS = 5


class TurningLight:
    """Brightness of a mesh's vertices for a rotation of the head."""

    def __init__(self, mesh: HeadMesh, *, mirrored: bool) -> None:
        light = np.array(_LIGHT) * (-1 if mirrored else 1, 1, 1)
        self._light = light / np.linalg.norm(light)
        self._normals = _vertex_normals(mesh)
        self._follow = mesh.follow
        self._at_rest = self._received(self._normals)

    def brightness(self, rotation: Float) -> Float:
        """Return the factor (n,) of each vertex for a rotation (3, 3) from the portrait's pose."""
        factor = self._received(self._normals @ rotation.T) / self._at_rest
        return np.asarray(1 + self._follow * (np.clip(factor, *_RANGE) - 1), dtype=np.float64)

    def _received(self, normals: Float) -> Float:
        return _AMBIENT + np.maximum(0.0, normals @ self._light)


def _vertex_normals(mesh: HeadMesh) -> Float:
    """Return smoothed unit normals (n, 3) towards the camera."""
    corners = mesh.vertices[mesh.skin]
    facets = np.cross(corners[:, 2] - corners[:, 0], corners[:, 1] - corners[:, 0])  # of clockwise triangles: towards negative z
    normals = np.zeros_like(mesh.vertices)
    for corner in range(3):
        np.add.at(normals, mesh.skin[:, corner], facets)
    for _ in range(_SMOOTHING_ROUNDS):
        spread = _unit(normals)
        normals = spread.copy()
        for a, b in ((0, 1), (1, 2), (2, 0)):
            np.add.at(normals, mesh.skin[:, a], 0.5 * spread[mesh.skin[:, b]])
            np.add.at(normals, mesh.skin[:, b], 0.5 * spread[mesh.skin[:, a]])
    return _unit(normals)


def _unit(vectors: Float) -> Float:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))
