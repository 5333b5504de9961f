"""Pictures of a face mesh from the front, lit from the camera; for looking at a model's mean and modes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.reference import TriangleGroup
from pipelines.face_model.rotations import FloatArray

VIEW_UNITS = 2.05
_VIEW_CENTRE = np.array([0.0, -0.38])
_BACKGROUND = 250.0
_AMBIENT = 0.3
_LIGHT = np.array([0.0, 0.3, 1.0]) / np.sqrt(1.09)  # from a little above the camera
_SKIN = np.array([232.0, 216.0, 204.0])
_MOVED = np.array([226.0, 112.0, 56.0])
_EYES = np.array([246.0, 246.0, 248.0])
_MOUTH = np.array([104.0, 48.0, 48.0])
_IRIS = np.array([74.0, 66.0, 70.0])
_SUBPIXEL_BITS = 4


def shaded_face(
    points: FloatArray, triangles: NDArray[np.int32], groups: NDArray[np.uint8], size_px: int, tint: FloatArray | None = None
) -> NDArray[np.uint8]:
    """Return an RGB picture (size, size, 3) uint8 of a face, smoothly shaded.

    Args:
        points: (vertices, 3) in model axes and units; the view is `VIEW_UNITS` wide.
        triangles: (triangles, 3), counter-clockwise seen from the camera.
        groups: (triangles,) `TriangleGroup`; irises are drawn as discs where the eyes are seen.
        size_px: side of the picture.
        tint: (vertices,) 0 to 1, how orange the skin is there; None: nowhere.
    """
    flat = ((points[:, :2] - _VIEW_CENTRE) * np.array([1.0, -1.0]) / VIEW_UNITS + 0.5) * size_px
    colours = _vertex_colours(points, triangles[groups == TriangleGroup.SKIN], np.zeros(len(points)) if tint is None else tint)
    picture = np.full((size_px, size_px, 3), _BACKGROUND)
    nearest = np.full((size_px, size_px), -np.inf)
    eyes = np.zeros((size_px, size_px), dtype=np.uint8)
    for triangle, group in zip(triangles, groups, strict=True):
        if group == TriangleGroup.IRIS:
            continue
        rows, columns, weights = _pixels_inside(flat[triangle], size_px)
        depth = weights @ points[triangle, 2]
        seen = depth > nearest[rows, columns]
        rows, columns, weights = rows[seen], columns[seen], weights[seen]
        nearest[rows, columns] = depth[seen]
        eyes[rows, columns] = group == TriangleGroup.EYES
        fixed = {TriangleGroup.EYES: _EYES, TriangleGroup.MOUTH: _MOUTH}.get(TriangleGroup(group))
        picture[rows, columns] = weights @ colours[triangle] if fixed is None else fixed
    return _with_irises(np.rint(picture).astype(np.uint8), eyes, flat, triangles[groups == TriangleGroup.IRIS])


def _vertex_colours(points: FloatArray, skin: NDArray[np.int32], tint: FloatArray) -> FloatArray:
    """Return (vertices, 3): the skin's colour in the light that falls on each vertex."""
    corners = points[skin]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, skin[:, corner], across)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    light = _AMBIENT + (1 - _AMBIENT) * np.clip(normals @ _LIGHT, 0.0, 1.0)
    return np.asarray((_SKIN + np.clip(tint, 0.0, 1.0)[:, None] * (_MOVED - _SKIN)) * light[:, None])


def _pixels_inside(corners: FloatArray, size_px: int) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """Return rows, columns and (pixels, 3) weights of the corners of the pixels in a triangle; none if it faces away."""
    low = np.clip(np.floor(corners.min(axis=0)), 0, size_px).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, size_px).astype(int)
    columns, rows = (grid.reshape(-1) for grid in np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1])))
    (ax, ay), (bx, by), (cx, cy) = corners
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area >= 0:  # y points down, so faces towards the camera have a negative area
        return rows[:0], columns[:0], np.zeros((0, 3))
    x, y = columns + 0.5, rows + 0.5
    first = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
    second = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
    weights = np.stack([first, second, 1 - first - second], axis=-1)
    inside = (weights >= -1e-9).all(axis=1)
    return rows[inside], columns[inside], weights[inside]


def _with_irises(picture: NDArray[np.uint8], eyes: NDArray[np.uint8], flat: FloatArray, irises: NDArray[np.int32]) -> NDArray[np.uint8]:
    vertices, uses = np.unique(irises, return_counts=True)
    discs = np.zeros_like(eyes)
    for centre in vertices[uses > 2]:  # each iris is a fan around its centre
        fan = np.unique(irises[(irises == centre).any(axis=1)])
        radius = float(np.linalg.norm(flat[fan[fan != centre]] - flat[centre], axis=1).mean())
        place = np.rint((flat[centre] - 0.5) * 2**_SUBPIXEL_BITS).astype(int)
        scaled = round(radius * 2**_SUBPIXEL_BITS)
        cv2.circle(discs, (int(place[0]), int(place[1])), scaled, (1,), cv2.FILLED, cv2.LINE_8, _SUBPIXEL_BITS)
    picture[(discs & eyes).astype(bool)] = _IRIS.astype(np.uint8)
    return picture
