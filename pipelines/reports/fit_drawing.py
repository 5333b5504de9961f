"""Pictures of a face model in a report: its mesh over a frame, and its expression modes as faces."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.basis import FaceModel
from pipelines.face_model.mesh_shading import shaded_face
from pipelines.face_model.reference import TriangleGroup

OVERLAY_SIDE_PX = 200
MODE_SIDE_PX = 120
MODES_SHOWN = 6
MODE_STDDEVS = 2.5
_MARGIN = 0.18
"""Room around the mesh, as a share of its longer side."""
_SKIN_BGR = (255, 240, 170)
_FEATURE_BGR = (40, 190, 255)
_SKIN_SHARE = 0.42
_FEATURE_SHARE = 0.8
_FINER = 3  # lines are drawn this much larger and scaled down, which makes them thin and smooth
_SUBPIXEL_BITS = 4
_JPEG_QUALITY = 84
_FULL_TINT = 0.1
"""Movement, in inter-ocular distances, that is shown in the deepest colour."""


def mesh_overlay_jpeg(jpeg: bytes, mesh: NDArray[np.float64], model: FaceModel) -> bytes:
    """Return a small JPEG of a crop with the edges of the fitted mesh that face the camera drawn over it.

    Args:
        jpeg: the crop as stored.
        mesh: (vertices, 2 or 3) in shares of the crop's side, x right, y down.
        model: whose triangles are drawn: the skin's in one colour, the rims of eyes and mouth in another.

    Raises:
        ValueError: the bytes are not a picture that OpenCV decodes.
    """
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if image is None:
        raise ValueError(f"expected a JPEG to draw a mesh on, found {len(jpeg)} bytes that do not decode")
    side = OVERLAY_SIDE_PX * _FINER
    large, points = _cut_out(np.asarray(image, np.uint8), mesh[:, :2] * image.shape[1] - 0.5, side)
    fixed = np.round(np.clip(points, -4 * side, 4 * side) * 2**_SUBPIXEL_BITS).astype(np.int32)
    holes = model.triangles[np.isin(model.triangle_groups, (TriangleGroup.EYES, TriangleGroup.MOUTH))]
    skin = _facing_edges(mesh, model.triangles[model.triangle_groups == TriangleGroup.SKIN])
    lined = _lined(large, fixed[skin], _SKIN_BGR, 2, _SKIN_SHARE)
    lined = _lined(lined, fixed[_rim_edges(holes)], _FEATURE_BGR, 3, _FEATURE_SHARE)
    return _jpeg(np.asarray(cv2.resize(lined, (OVERLAY_SIDE_PX, OVERLAY_SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8))


def _cut_out(image: NDArray[np.uint8], points_px: NDArray[np.float64], side: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the square around some points, within the picture, at another size, and the points in it."""
    low, high = points_px.min(axis=0), points_px.max(axis=0)
    window = min(int(np.ceil((high - low).max() * (1 + 2 * _MARGIN))), *image.shape[:2])
    window = max(window, 2)
    corner = [int(np.clip(round(float((low + high)[axis] / 2 - window / 2)), 0, image.shape[1 - axis] - window)) for axis in range(2)]
    part = image[corner[1] : corner[1] + window, corner[0] : corner[0] + window]
    resized = cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA if window > side else cv2.INTER_CUBIC)
    # Pixel centres lie at whole numbers, so scaling is about the corner at -0.5.
    return np.asarray(resized, np.uint8), (points_px - corner + 0.5) * (side / window) - 0.5


def _lined(image: NDArray[np.uint8], lines: NDArray[np.int32], colour: tuple[int, int, int], width: int, share: float) -> NDArray[np.uint8]:
    drawn = image.copy()
    cv2.polylines(drawn, list(lines), isClosed=False, color=colour, thickness=width, lineType=cv2.LINE_AA, shift=_SUBPIXEL_BITS)
    return np.asarray(cv2.addWeighted(drawn, share, image, 1 - share, 0.0), np.uint8)


def _facing_edges(mesh: NDArray[np.float64], triangles: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the (edges, 2) different edges of the triangles that face the camera."""
    corners = mesh[triangles, :2]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    facing = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] < 0  # y points down in pictures
    return _edges(triangles[facing])[0]


def _rim_edges(triangles: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the edges that belong to one triangle alone."""
    edges, counts = _edges(triangles)
    return np.asarray(edges[counts == 1])


def _edges(triangles: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    pairs = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    edges, counts = np.unique(pairs, axis=0, return_counts=True)
    return edges.reshape(-1, 2), counts


def mode_jpeg(model: FaceModel, mode: int, stddevs: float) -> bytes:
    """Return a picture of the mean face with one expression mode at some of its standard deviations; skin that it moves is orange."""
    expression = np.zeros(len(model.expression_stddevs))
    expression[mode] = stddevs * model.expression_stddevs[mode]
    face = model.shape(np.zeros(len(model.identity_stddevs)), expression)
    moved = np.linalg.norm((face - model.mean)[:, :2], axis=1) / _FULL_TINT
    large = shaded_face(face, model.triangles, model.triangle_groups, MODE_SIDE_PX * _FINER, moved)
    small = np.asarray(cv2.resize(large, (MODE_SIDE_PX, MODE_SIDE_PX), interpolation=cv2.INTER_AREA))
    return _jpeg(np.asarray(small[..., ::-1], np.uint8))


def _jpeg(bgr: NDArray[np.uint8]) -> bytes:
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    return cv2.imencode(".jpg", np.ascontiguousarray(bgr), options)[1].tobytes()
