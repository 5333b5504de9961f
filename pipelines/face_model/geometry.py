"""The fitted mesh in the crop: its points, the triangles that motion is carried by, and drawings of it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.basis import FaceModel
from pipelines.face_model.camera import project
from pipelines.face_model.reference import TriangleGroup
from pipelines.face_model.rotations import FloatArray

_SUBPIXEL_BITS = 4
_GROUP_COLOURS = {
    TriangleGroup.SKIN: (225, 215, 205),
    TriangleGroup.EYES: (245, 245, 250),
    TriangleGroup.MOUTH: (95, 45, 45),
    TriangleGroup.IRIS: (70, 60, 60),
}


def mesh_in_crop(model: FaceModel, identity: FloatArray, expression: FloatArray, pose: FloatArray, size_px: float) -> FloatArray:
    """Return the vertices (..., vertices, 3) of fitted faces in crop pixels (x right, y down, z away from the camera).

    Args:
        model: the face model that the coefficients belong to.
        identity: (..., identity modes).
        expression: (..., 64).
        pose: (..., 6) rho.
        size_px: side of the crop.
    """
    return project(model.shape(identity, expression), np.asarray(pose, dtype=np.float64), size_px)


def surface_triangles(model: FaceModel) -> NDArray[np.int32]:
    """Return (triangles, 3) the closed surface of the face: skin, eyes and mouth, without the irises that lie over the eyes."""
    return np.ascontiguousarray(model.triangles[model.triangle_groups != TriangleGroup.IRIS])


def draw_mesh(
    rgb: NDArray[np.uint8], points_px: FloatArray, triangles: NDArray[np.int32], colour: tuple[int, int, int] = (80, 255, 160)
) -> NDArray[np.uint8]:
    """Return a copy of a picture with the edges of the triangles that face the camera drawn on it.

    Args:
        rgb: (height, width, 3) uint8.
        points_px: (vertices, 2 or 3) pixels of this picture.
        triangles: (triangles, 3), counter-clockwise seen from the camera.
        colour: of the lines.
    """
    corners = points_px[triangles, :2]
    edge, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    facing = edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0] < 0  # y points down in pictures
    whole = np.round(corners[facing] * 2**_SUBPIXEL_BITS).astype(np.int32)
    drawn = rgb.copy()
    cv2.polylines(drawn, list(whole), isClosed=True, color=colour, thickness=1, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)
    return drawn


def shaded_face(points: FloatArray, triangles: NDArray[np.int32], groups: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """Return a picture (size, size, 3) of a face in model units from the front, lit from the camera; for showing modes.

    Args:
        points: (vertices, 3) in model axes and units; the view is 2.2 units wide around a point 0.4 units under the eyes.
        triangles: (triangles, 3), counter-clockwise seen from the camera.
        groups: (triangles,) `TriangleGroup`; irises are drawn over the eyes.
        size_px: side of the picture.
    """
    corners = points[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    towards = normals[:, 2] / np.maximum(np.linalg.norm(normals, axis=1), 1e-12)
    flat = (corners[..., :2] - np.array([0.0, -0.4])) * np.array([1.0, -1.0]) / 2.2 + 0.5
    whole = np.round(flat * size_px * 2**_SUBPIXEL_BITS).astype(np.int32)
    picture = np.full((size_px, size_px, 3), 250, dtype=np.uint8)
    depth = corners[:, :, 2].mean(axis=1) + (groups == TriangleGroup.IRIS) * 0.05
    for index in np.argsort(depth, kind="stable"):  # far to near
        if towards[index] > 0:
            light = (70 + 160 * towards[index]) / 230
            colour = [int(light * value) for value in _GROUP_COLOURS[TriangleGroup(groups[index])]]
            cv2.fillConvexPoly(picture, whole[index], colour, cv2.LINE_AA, _SUBPIXEL_BITS)
    return picture
