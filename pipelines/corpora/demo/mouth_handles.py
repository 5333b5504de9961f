"""Handles of the mouth: lips as shapes, the jaw, the smile that closes and the one that opens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.corpora.demo.face_regions import (
    BESIDE_MOUTH,
    CHEEKS,
    CHIN,
    JAW_LINE,
    LOWER_LIP_CURVES,
    NOSE,
    NOSE_WINGS,
    UNDER_EYES,
    UPPER_LIP_CURVES,
)
from pipelines.corpora.demo.handles import EYE_POINTS, LID_POINTS, Handles, hold_still, points_of
from pipelines.corpora.demo.portrait import Float


@dataclass(frozen=True)
class MouthShape:
    """Where the lips of a closed mouth are.

    Attributes:
        half_width: from the middle to a corner, as a share of the eye distance; likewise the other lengths.
        corner_lift: how far the corners are above the middle.
        upper, lower: factors of the lips' thickness.
        protrusion: how far the lips are pushed towards the camera.
    """

    half_width: float
    corner_lift: float = 0.0
    upper: float = 1.0
    lower: float = 1.0
    protrusion: float = 0.0


NEUTRAL_HALF_WIDTH = 0.30
"""Half the width of the neutral mouth, as a share of the eye distance."""


def _mouth_handles(vertices: Float, eye_distance: float, mouth: MouthShape, line_y: float) -> Handles:
    """Return the moves that bring all lip curves to a mouth shape whose lip line lies at `line_y` in the middle."""
    corners = vertices[[61, 291], :2]
    centre, half = corners[:, 0].mean(), (corners[1, 0] - corners[0, 0]) / 2
    seam_z = (vertices[list(UPPER_LIP_CURVES[-1]), 2] + vertices[list(LOWER_LIP_CURVES[-1]), 2]) / 2
    handles: Handles = {}
    for curves, thickness in ((UPPER_LIP_CURVES, mouth.upper), (LOWER_LIP_CURVES, mouth.lower)):
        inner = vertices[list(curves[-1])]
        for depth, curve in enumerate(curves):
            for column, i in enumerate(curve):
                along = (vertices[i, 0] - centre) / half
                line = line_y - mouth.corner_lift * eye_distance * along**2
                away = vertices[i, 1] - inner[column, 1]
                forward = -mouth.protrusion * eye_distance * (1 - 0.5 * along**2)
                forward += (seam_z[column] - inner[column, 2]) * (depth / 3) ** 2  # closed lips touch in depth too
                target = (centre + along * mouth.half_width * eye_distance, line + thickness * away, vertices[i, 2] + forward)
                handles[i] = np.array(target) - vertices[i]
    return handles


def _lip_line(vertices: Float) -> float:
    return float(vertices[13, 1] + vertices[14, 1]) / 2


def closing_handles(portrait: Float, eye_distance: float) -> Handles:
    """Return the moves that turn the portrait's smile into a neutral face with closed lips."""
    line_y = float(0.62 * portrait[13, 1] + 0.38 * portrait[14, 1])
    shape = MouthShape(NEUTRAL_HALF_WIDTH, upper=1.12, lower=0.98)
    handles = _mouth_handles(portrait, eye_distance, shape, line_y)
    for i in (*CHIN, 148, 377, 149, 378):
        handles.setdefault(i, np.array([0, -0.055, 0.0]) * eye_distance)
    for left, right in zip(*CHEEKS, strict=True):
        handles[left], handles[right] = (np.array([side * 0.012, 0.022, 0.01]) * eye_distance for side in (1, -1))
    for under in UNDER_EYES:
        handles.update({i: np.array([0, 0.006, 0]) * eye_distance for i in under})
    hold_still(handles, [*NOSE, *LID_POINTS, 234, 454, 93, 323, 132, 361])
    return handles


def _take_along(handles: Handles) -> None:
    """Move the skin beside the corners of the mouth with them, else their shade would be stretched over it."""
    for beside, corner in zip(BESIDE_MOUTH, (61, 291), strict=True):
        handles.update(dict.fromkeys(beside, 0.85 * handles[corner]))


def shape_handles(neutral: Float, eye_distance: float, mouth: MouthShape) -> Handles:
    """Return the moves from the neutral mouth to another closed mouth; the skin beside its corners follows, nose and chin stay."""
    handles = _mouth_handles(neutral, eye_distance, mouth, _lip_line(neutral))
    _take_along(handles)
    for side, corner in ((0, 61), (1, 291)):
        for i, share in zip(CHEEKS[side], (0.15, 0.0, 0.4, 0.0, 0.0), strict=True):
            handles[i] = share * handles[corner]
    hold_still(handles, [*NOSE, 152, 175, 199, *points_of(CHEEKS)])
    return handles


def jaw_handles(eye_distance: float) -> Handles:
    """Return the moves of a jaw that turns about the ears: lower lip and chin go down and back, corners and contour less."""
    down = np.array([0.0, 0.37, 0.10]) * eye_distance
    handles: Handles = {}
    for curve in LOWER_LIP_CURVES:
        for column, i in enumerate(curve):
            along = abs(column - 5) / 5
            handles[i] = down * (0.22 + 0.78 * max(0.0, 1 - along**1.8))
    for curve in UPPER_LIP_CURVES:
        for column, i in enumerate(curve):
            if column not in (0, 10):
                handles[i] = down * (0.22 * (abs(column - 5) / 5) ** 2.5 - 0.015)
    _take_along(handles)
    for i in CHIN:
        handles[i] = down * 1.0
    for pair, share in zip(JAW_LINE, (1.0, 1.0, 0.97, 0.9, 0.78, 0.6, 0.42, 0.25, 0.1, 0.0, 0.0), strict=True):
        handles.update(dict.fromkeys(pair, down * share))
    hold_still(handles, [*NOSE, *points_of(NOSE_WINGS), *EYE_POINTS, *points_of(CHEEKS)])
    return handles


def seal_handles(eye_distance: float) -> Handles:
    """Return the moves that close the gap one unit of jaw opens: the lower lip comes up most of the way, the upper one down the rest."""
    jaw = jaw_handles(eye_distance)
    handles: Handles = {}
    for column in range(11):
        gap = jaw[LOWER_LIP_CURVES[-1][column]] - jaw[UPPER_LIP_CURVES[-1][column]]
        if column in (0, 10):
            continue
        for upper, lower, share in zip(UPPER_LIP_CURVES, LOWER_LIP_CURVES, (0.7, 0.85, 0.95, 1.0), strict=True):
            handles[upper[column]] = 0.3 * gap * share
            handles[lower[column]] = -0.7 * gap * share
    hold_still(handles, [*NOSE, 152, 148, 377, 175, 61, 291, 78, 308])
    return handles


def smile_handles(eye_distance: float, side: int) -> Handles:
    """Return the moves of one corner outwards, up and back, and of its cheek; side 0 is the image's left."""
    handles: Handles = {}
    outward = (-1.0, 1.0)[side]
    for curve in (*UPPER_LIP_CURVES, *LOWER_LIP_CURVES):
        for column, i in enumerate(curve):
            along = (column - 5) / 5 * outward
            share = max(0.0, along) ** 1.6 if along > 0 else 0.0
            handles[i] = np.array([outward * 0.062 * max(0.0, along), -0.085 * share + 0.006 * (along > -0.1), 0.02 * share]) * eye_distance
    handles.update(dict.fromkeys(BESIDE_MOUTH[side], 0.85 * handles[(61, 291)[side]]))
    for i, share in zip(CHEEKS[side], (0.9, 0.8, 1.0, 0.5, 0.5), strict=True):
        handles[i] = np.array([outward * 0.014, -0.034, -0.012]) * eye_distance * share
    for i in UNDER_EYES[side]:
        handles[i] = np.array([0, -0.012, 0]) * eye_distance
    hold_still(handles, [*NOSE, *LID_POINTS, 152, 175, 199, *CHEEKS[1 - side]])
    return handles


def frown_handles(eye_distance: float) -> Handles:
    """Return the moves of both corners down and a little inwards."""
    handles: Handles = {}
    for curve in (*UPPER_LIP_CURVES, *LOWER_LIP_CURVES):
        for column, i in enumerate(curve):
            along = (column - 5) / 5
            handles[i] = np.array([-0.034 * along, 0.055 * abs(along) ** 2.2 - 0.014 * (1 - abs(along)), 0.0]) * eye_distance
    _take_along(handles)
    for i in (199, 200, 18, 175):
        handles[i] = np.array([0, -0.012, -0.004]) * eye_distance
    hold_still(handles, [*NOSE, *points_of(CHEEKS), *EYE_POINTS, 152])
    return handles


def lip_shift_handles(eye_distance: float, *, upper: bool, down: float, edge_share: float) -> Handles:
    """Return the moves that shift one lip, most in the middle; the other stays.

    Args:
        eye_distance: the unit of length in pixels.
        upper: which lip.
        down: how far the inner edge goes down, as a share of the eye distance.
        edge_share: how far the outer edge goes, as a share of the inner one's way.
    """
    moving, staying = (UPPER_LIP_CURVES, LOWER_LIP_CURVES) if upper else (LOWER_LIP_CURVES, UPPER_LIP_CURVES)
    handles: Handles = {}
    for depth, curve in enumerate(moving):
        for column, i in enumerate(curve):
            along = abs(column - 5) / 5
            share = max(0.0, 1 - along**3) * (edge_share + (1 - edge_share) * depth / 3)
            handles[i] = np.array([0, down * eye_distance * share, 0.0])
    hold_still(handles, [*NOSE, *points_of(staying), 152, 175, 199])
    return handles
