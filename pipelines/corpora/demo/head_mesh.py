"""The mesh that is warped: the face, and around it hair, ears, neck and background, so that nothing tears.

The face has its measured depth. Around it depth is made up: the hair bulges from the edge of the face to the outline of the head, the
outline lies in the plane of the axis of rotation (so a turning head keeps its outline, as a round one does), the neck lies behind the
chin. How far a point follows the head is 1 on the head and falls smoothly to 0 in background and collar.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import Delaunay

from pipelines.corpora.demo.face_regions import FACE_CONTOUR, JAW_CONTOUR, LOWER_LIDS, LOWER_LIP_CURVES, UPPER_LIDS, UPPER_LIP_CURVES
from pipelines.corpora.demo.portrait import FACE_POINTS, Float, Index, Portrait, face_triangles

# Outline of hair and ears, from ear lobe to ear lobe, in a 512 px frame of the portrait.
_OUTLINE = (
    (160, 299), (148, 294), (140, 281), (137, 270), (124, 258), (112, 247), (102, 229), (97, 205), (95, 180), (98, 155), (108, 137),
    (122, 121), (140, 106), (160, 97), (172, 80), (190, 69), (210, 59), (235, 49), (260, 45), (285, 49), (310, 57), (335, 66),
    (358, 79), (378, 94), (393, 117), (403, 140), (410, 165), (414, 190), (411, 215), (403, 240), (389, 259), (373, 276), (366, 288),
    (358, 298), (347, 301),
)  # fmt: skip
_NECK = (
    (172, 350), (174, 378), (179, 398), (200, 410), (228, 414), (258, 418), (285, 419), (318, 404), (323, 376), (328, 350),
    (195, 432), (225, 436), (258, 440), (290, 440), (325, 425), (185, 455), (225, 465), (258, 468), (290, 468), (340, 450), (205, 394),
    (230, 402), (258, 405), (285, 402), (305, 388),
)  # fmt: skip
_PIVOT = (256.0, 318.0)  # of the head's rotation, in a 512 px frame
_PIVOT_DEPTH = 84.0  # depth of the ears in a 512 px frame, in the landmarks' own z
_HAIR_SPACING_PX = 30.0
_BACKGROUND_SPACING_PX = 62.0
_DEPTH_GAIN = 1.25  # with it, the network run on rendered frames sees the angles that were driven
_DEPTH_KNEE, _DEPTH_ROOM = 0.6, 0.5  # as shares of the ears' depth: from the knee on, depth is compressed into this room
_CHEEK_EDGE = (58, 132, 177, 215, 93, 227, 137, 288, 361, 401, 435, 323, 447, 366, 116, 123, 147, 213, 345, 352, 376, 433)
_SMOOTHING_ROUNDS = 4
_SMALL_AREA = 12.0  # doubled, in square pixels of a 512 px frame
_RIM_PX = 7.0
_FADE_PX = 62.0  # width of the band round the head in which background follows it
_NECK_FADE_PX = 105.0


@dataclass(frozen=True)
class HeadMesh:
    """Vertices 0..467 are the FaceMesh points, the rest lie around the face.

    Attributes:
        vertices: float64 (n, 3) at rest, in frame pixels, z away from the camera.
        triangles: int64 (m, 3), clockwise on screen at rest; those of the holes included, so that the map is continuous.
        skin: int64 (k, 3) the triangles without those that fill eyes and mouth.
        follow: float64 (n,) share of the head's motion that a vertex takes, 0..1.
        pivot: float64 (3,) centre of rotation.
    """

    vertices: Float
    triangles: Index
    skin: Index
    follow: Float
    pivot: Float

    @property
    def hole_count(self) -> int:
        """How many triangles fill eyes and mouth; they are the last ones."""
        return len(self.triangles) - len(self.skin)


def hole_triangles() -> Index:
    """Return the triangles that fill the eyes and the mouth, in strips between corresponding points of their two edges."""
    strips = [
        *((UPPER_LIDS[eye], LOWER_LIDS[eye]) for eye in (0, 1)),
        (UPPER_LIP_CURVES[-1], LOWER_LIP_CURVES[-1]),
    ]
    triangles: list[tuple[int, int, int]] = []
    for upper, lower in strips:
        for k in range(len(upper) - 1):
            triangles += [(upper[k], upper[k + 1], lower[k]), (upper[k + 1], lower[k + 1], lower[k])]
    return np.array([t for t in triangles if len(set(t)) == 3], dtype=np.int64)


def head_outline(portrait: Portrait) -> Float:
    """Return the outline of hair and ears in frame pixels (n, 2), from ear lobe to ear lobe."""
    return in_frame(portrait, np.array(_OUTLINE, dtype=np.float64))


def in_frame(portrait: Portrait, points_512: Float) -> Float:
    """Return points (n, 2) of a 512 px frame of the unmirrored portrait in frame pixels."""
    scaled = (points_512 + 0.5) * (portrait.size_px / 512) - 0.5
    if portrait.mirrored:
        scaled[:, 0] = portrait.size_px - 1 - scaled[:, 0]
    return scaled


def head_polygon(portrait: Portrait) -> Float:
    """Return the closed outline of head and jaw in frame pixels (n, 2)."""
    outline = head_outline(portrait)
    jaw = portrait.points[[i for i in FACE_CONTOUR if portrait.points[i, 1] > outline[[0, -1], 1].max()], :2]
    return np.concatenate([outline, jaw if _runs_on(outline, jaw) else jaw[::-1]])


def _runs_on(outline: Float, jaw: Float) -> bool:
    return bool(np.linalg.norm(outline[-1] - jaw[0]) < np.linalg.norm(outline[-1] - jaw[-1]))


def build_head_mesh(portrait: Portrait) -> HeadMesh:
    """Return the mesh of a portrait at rest."""
    unit = portrait.size_px / 512
    pivot = np.array([*in_frame(portrait, np.array([_PIVOT]))[0], _PIVOT_DEPTH * unit])
    face = _regular_face(portrait.points[:FACE_POINTS], pivot[2])
    contour = face[list(FACE_CONTOUR)]
    polygon = head_polygon(portrait)
    hair = _hair_points(portrait, contour, polygon, pivot[2])
    rim = _jaw_rim(portrait, face)
    around = _surrounding_points(portrait, rim, polygon, pivot[2])
    vertices = np.concatenate([face, hair, rim, around])
    outer = _outer_triangles(vertices, contour)
    skin = np.concatenate([face_triangles(), outer])
    triangles = np.concatenate([skin, _clockwise(hole_triangles(), vertices)])
    follow = np.concatenate([np.ones(len(vertices) - len(around)), _follow(around, polygon, portrait.size_px)])
    return HeadMesh(vertices, triangles, skin, follow, pivot)


def _doubled_areas(triangles: Index, vertices: Float) -> Float:
    corners = vertices[triangles][..., :2]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])


def _clockwise(triangles: Index, vertices: Float) -> Index:
    """Return the triangles that have an area, wound clockwise on screen."""
    areas = _doubled_areas(triangles, vertices)
    wound = np.where(areas[:, None] < 0, triangles[:, ::-1], triangles)
    return wound[np.abs(areas) > 1e-6]


def _regular_face(measured: Float, ears: float) -> Float:
    """Return the face (468, 3) made fit for turning: its depth corrected, and no triangle of the cheeks folded or flat.

    The landmark network understates depth, and towards the ears its depth grows so steeply that a turned cheek would fold over itself.
    """
    face = measured.copy()
    knee, room = _DEPTH_KNEE * ears, _DEPTH_ROOM * ears
    depth = _DEPTH_GAIN * face[:, 2]
    face[:, 2] = np.where(depth < knee, depth, knee + room * np.tanh((depth - knee) / room))
    triangles = face_triangles()
    neighbours = [np.unique(triangles[np.any(triangles == i, axis=1)]) for i in range(FACE_POINTS)]
    for _ in range(_SMOOTHING_ROUNDS):
        bad = triangles[_doubled_areas(triangles, face) < _SMALL_AREA * (ears / _PIVOT_DEPTH) ** 2]
        smoothed = face.copy()
        for i in np.intersect1d(bad, _CHEEK_EDGE):
            smoothed[i] = 0.5 * face[i] + 0.5 * face[neighbours[i]].mean(axis=0)
        face = smoothed
    return face


def _signed_distance(points: Float, polygon: Float) -> Float:
    """Return the distance of points (n, 2) to a polygon, positive inside."""
    ring = polygon.astype(np.float32).reshape(-1, 1, 2)
    return np.array([cv2.pointPolygonTest(ring, (float(x), float(y)), True) for x, y in points])


def _grid(size_px: int, spacing_px: float) -> Float:
    count = max(2, round(size_px / spacing_px) + 1)
    axis = np.linspace(0, size_px - 1, count)
    return np.asarray(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2))


def _hair_points(portrait: Portrait, contour: Float, polygon: Float, ears: float) -> Float:
    """Return points (n, 3) on the hair: the outline at the depth of the ears, and between it and the face a bulge towards the camera."""
    unit = portrait.size_px / 512
    outline = head_outline(portrait)
    grid = _grid(portrait.size_px, _HAIR_SPACING_PX * unit)
    to_outline, to_face = _signed_distance(grid, polygon), -_signed_distance(grid, contour[:, :2])
    above_jaw = grid[:, 1] < outline[[0, -1], 1].min() - 8 * unit
    keep = (to_outline > 11 * unit) & (to_face > 11 * unit) & above_jaw
    share = to_face[keep] / (to_face[keep] + to_outline[keep])
    nearest = np.argmin(np.linalg.norm(grid[keep][:, None] - contour[None, :, :2], axis=-1), axis=1)
    edge = contour[nearest, 2]
    depth = edge + (ears - edge) * share**1.6 - 8 * unit * np.sin(np.pi * share)
    return np.concatenate([np.column_stack([outline, np.full(len(outline), ears)]), np.column_stack([grid[keep], depth])])


def _jaw_rim(portrait: Portrait, face: Float) -> Float:
    """Return points (n, 3) just outside the jaw, a little behind it: the blurred edge of the jaw moves as one with it."""
    unit = portrait.size_px / 512
    jaw = face[list(JAW_CONTOUR)]
    normal = np.column_stack([np.gradient(jaw[:, 1]), -np.gradient(jaw[:, 0])])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    outwards = np.sign(np.sum(normal * (jaw[:, :2] - face[1, :2])))
    beside = jaw[:, :2] + outwards * _RIM_PX * unit * normal
    return np.column_stack([beside, jaw[:, 2] + 3 * unit])


def _surrounding_points(portrait: Portrait, rim: Float, polygon: Float, ears: float) -> Float:
    """Return points (n, 3) of neck, of a ring round the head, and of a coarse grid to the edge of the frame."""
    unit = portrait.size_px / 512
    neck = in_frame(portrait, np.array(_NECK, dtype=np.float64))
    neck = neck[np.linalg.norm(neck[:, None] - rim[None, :, :2], axis=-1).min(axis=1) > 7 * unit]
    ring = _ring(head_outline(portrait), 26 * unit)
    beside = np.concatenate([neck, ring])
    grid = _grid(portrait.size_px, _BACKGROUND_SPACING_PX * unit)
    clear = np.linalg.norm(grid[:, None] - beside[None], axis=-1).min(axis=1) > 22 * unit
    grid = grid[clear & (_signed_distance(grid, polygon) < -34 * unit)]
    points = np.concatenate([beside, grid])
    depth = np.full(len(points), ears)
    depth[: len(neck)] = 0.62 * ears
    return np.column_stack([points, depth])


def _ring(outline: Float, distance_px: float) -> Float:
    """Return every other point of the outline moved outwards."""
    along = np.gradient(outline, axis=0)
    normal = np.column_stack([along[:, 1], -along[:, 0]]) / np.linalg.norm(along, axis=1, keepdims=True)
    outwards = np.sign(np.sum(normal * (outline - outline.mean(axis=0)), axis=1).mean())
    return np.asarray((outline + outwards * distance_px * normal)[::2])


def _outer_triangles(vertices: Float, contour: Float) -> Index:
    """Return the Delaunay triangles outside the face's edge, clockwise on screen."""
    count = len(vertices) - FACE_POINTS
    indices = np.concatenate([np.array(FACE_CONTOUR), np.arange(FACE_POINTS, FACE_POINTS + count)])
    points = vertices[indices, :2]
    triangles = Delaunay(points).simplices
    outside = _signed_distance(points[triangles].mean(axis=1), contour[:, :2]) < 0
    return _clockwise(indices[triangles[outside]].astype(np.int64), vertices)


def _follow(points: Float, polygon: Float, size_px: int) -> Float:
    """Return the share (n,) of the head's motion: less with the distance to the head, none at the border of the frame."""
    unit = size_px / 512
    distance = np.maximum(0, -_signed_distance(points[:, :2], polygon)) / unit
    below = np.clip((points[:, 1] / unit - 300) / 80, 0, 1)
    share = np.clip(1 - distance / (_FADE_PX + (_NECK_FADE_PX - _FADE_PX) * below), 0, 1)
    inside = np.all((points[:, :2] > 0.5) & (points[:, :2] < size_px - 1.5), axis=1)
    return np.asarray(inside * share * share * (3 - 2 * share))
