"""The rig: how each action unit moves the mesh.

A unit says where a few handles go (in shares of the distance between the outer eye corners); the rest of the mesh follows by the
smoothest displacement (biharmonic over the mesh graph) that meets the handles and is zero beyond a reach. Eyes and mouth are holes of the
graph, so lids and lips part. The rest shape is not the portrait, which smiles with open lips, but a neutral face with closed lips.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipelines.corpora.demo.face_regions import (
    BROW_INNER,
    BROW_OUTER,
    CHEEKS,
    CHIN,
    JAW_LINE,
    LID_CREASES,
    LID_FOLDS,
    LOWER_LIDS,
    LOWER_LIP_CURVES,
    NOSE,
    NOSE_WINGS,
    UNDER_EYES,
    UPPER_LIDS,
    UPPER_LIP_CURVES,
)
from pipelines.corpora.demo.head_mesh import HeadMesh
from pipelines.corpora.demo.portrait import FACE_POINTS, Float

Handles = dict[int, Float]


class Unit(StrEnum):
    """Action units; 1 is a strong movement, in the unit's named direction."""

    JAW = "jaw"
    SEAL = "seal"  # brings lips that the jaw has parted together again; scaled by the jaw
    ROUND = "round"
    WIDE = "wide"
    PRESS = "press"
    BITE = "bite"  # lower lip under the upper teeth, as in f and v
    SMILE_LEFT = "smile_left"
    SMILE_RIGHT = "smile_right"
    FROWN = "frown"
    UPPER_LIP = "upper_lip"  # raised
    LOWER_LIP = "lower_lip"  # lowered
    LID_LEFT = "lid_left"  # closed; negative: opened wider
    LID_RIGHT = "lid_right"
    SQUINT = "squint"
    BROW_INNER = "brow_inner"  # raised
    BROW_OUTER_LEFT = "brow_outer_left"
    BROW_OUTER_RIGHT = "brow_outer_right"
    BROW_LOWER = "brow_lower"
    NOSE_WRINKLE = "nose_wrinkle"


UNITS = tuple(Unit)


@dataclass(frozen=True)
class Rig:
    """Displacements of the mesh.

    Attributes:
        neutral: float64 (n, 3) vertices of the neutral face with closed lips.
        basis: float64 (units, n, 3) displacement of each unit at 1, in the order of `UNITS`, in frame pixels.
        eye_distance: distance between the outer eye corners in frame pixels, the rig's unit of length.
    """

    neutral: Float
    basis: Float
    eye_distance: float


def build_rig(mesh: HeadMesh) -> Rig:
    """Return the rig of a mesh; displacements are rounded to 1/1000 px, so that they do not depend on the solver's last bits."""
    portrait = mesh.vertices
    eye_distance = float(np.linalg.norm(portrait[263] - portrait[33]))
    stiffness = _stiffness(mesh)
    closing = _spread(_closing_handles(portrait, eye_distance), 0.75 * eye_distance, portrait, stiffness)
    neutral = np.round(portrait + closing, 3)
    handles = _unit_handles(neutral, eye_distance)
    basis = [_spread(handles[unit][0], handles[unit][1] * eye_distance, neutral, stiffness) for unit in UNITS]
    return Rig(neutral, np.round(np.stack(basis), 3), eye_distance)


def _stiffness(mesh: HeadMesh) -> Float:
    """Return the squared graph Laplacian (n, n) with inverse-length weights of the edges, without those across eyes and mouth."""
    count = len(mesh.vertices)
    weights = np.zeros((count, count))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        first, second = mesh.skin[:, a], mesh.skin[:, b]
        length = np.linalg.norm(mesh.vertices[first, :2] - mesh.vertices[second, :2], axis=1)
        weights[first, second] = weights[second, first] = 1 / np.maximum(length, 0.5)
    laplacian = np.eye(count) - weights / weights.sum(axis=1, keepdims=True)
    return np.asarray(laplacian.T @ laplacian)


def _spread(handles: Handles, reach_px: float, vertices: Float, stiffness: Float) -> Float:
    """Return the smoothest displacement (n, 3) that meets the handles and is zero farther than `reach_px` from those that move."""
    moving = np.array([vertices[i, :2] for i, move in handles.items() if np.any(move != 0)])
    distance = np.linalg.norm(vertices[:, None, :2] - moving[None], axis=-1).min(axis=1)
    known = distance > reach_px
    values = np.zeros_like(vertices)
    for i, move in handles.items():
        known[i] = True
        values[i] = move
    free = ~known
    solved = np.linalg.solve(stiffness[np.ix_(free, free)], -stiffness[np.ix_(free, known)] @ values[known])
    values[free] = solved
    return values


def _still(handles: Handles, indices: Iterable[int]) -> None:
    for i in indices:
        handles.setdefault(i, np.zeros(3))


def _flat(curves: Iterable[Iterable[int]]) -> list[int]:
    return [i for curve in curves for i in curve]


_EYE_POINTS = _flat([*UPPER_LIDS, *LOWER_LIDS, *LID_CREASES, *LID_FOLDS, *UNDER_EYES])
_LIP_POINTS = _flat([*UPPER_LIP_CURVES, *LOWER_LIP_CURVES])
_BROW_POINTS = _flat([*BROW_INNER, *BROW_OUTER])


# ---- lips ------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Mouth:
    """A mouth shape; lengths are shares of the eye distance."""

    half_width: float
    corner_lift: float = 0.0
    gap: float = 0.0
    upper: float = 1.0
    lower: float = 1.0
    protrusion: float = 0.0


_NEUTRAL_MOUTH = _Mouth(half_width=0.30)


def _mouth_handles(vertices: Float, eye_distance: float, mouth: _Mouth, line_y: float) -> Handles:
    """Return the moves that bring all lip curves to a mouth shape whose lip line lies at `line_y` in the middle."""
    corners = vertices[[61, 291], :2]
    centre, half = corners[:, 0].mean(), (corners[1, 0] - corners[0, 0]) / 2
    handles: Handles = {}
    for curves, thickness, side in ((UPPER_LIP_CURVES, mouth.upper, -1.0), (LOWER_LIP_CURVES, mouth.lower, 1.0)):
        inner = vertices[list(curves[-1])]
        for curve in curves:
            for column, i in enumerate(curve):
                along = (vertices[i, 0] - centre) / half
                line = line_y - mouth.corner_lift * eye_distance * along**2 + side * mouth.gap / 2 * eye_distance * max(0, 1 - along**2)
                away = vertices[i, 1] - inner[column, 1]
                forward = -mouth.protrusion * eye_distance * (1 - 0.5 * along**2)
                target = (centre + along * mouth.half_width * eye_distance, line + thickness * away, vertices[i, 2] + forward)
                handles[i] = np.array(target) - vertices[i]
    return handles


def _lip_line(vertices: Float) -> float:
    return float(vertices[13, 1] + vertices[14, 1]) / 2


def _closing_handles(portrait: Float, eye_distance: float) -> Handles:
    """Return the moves that turn the portrait's smile into a neutral face with closed lips."""
    line_y = float(0.62 * portrait[13, 1] + 0.38 * portrait[14, 1])
    shape = _Mouth(_NEUTRAL_MOUTH.half_width, corner_lift=0.0, upper=1.12, lower=0.98)
    handles = _mouth_handles(portrait, eye_distance, shape, line_y)
    for i in (*CHIN, 148, 377, 149, 378):
        handles.setdefault(i, np.array([0, -0.055, 0.0]) * eye_distance)
    for left, right in zip(*CHEEKS, strict=True):
        handles[left], handles[right] = (np.array([side * 0.012, 0.022, 0.01]) * eye_distance for side in (1, -1))
    for under in UNDER_EYES:
        handles.update({i: np.array([0, 0.006, 0]) * eye_distance for i in under})
    _still(handles, [*NOSE, *_flat(UPPER_LIDS), *_flat(LOWER_LIDS), 234, 454, 93, 323, 132, 361])
    return handles


def _moved_mouth(neutral: Float, eye_distance: float, mouth: _Mouth) -> Handles:
    return _mouth_handles(neutral, eye_distance, mouth, _lip_line(neutral))


def _jaw_handles(eye_distance: float) -> Handles:
    """The jaw turns about the ears: lower lip and chin go down and back, corners a third as far, the contour less towards the ears."""
    down = np.array([0.0, 0.34, 0.09]) * eye_distance
    handles: Handles = {}
    for curve in LOWER_LIP_CURVES:
        for column, i in enumerate(curve):
            along = abs(column - 5) / 5
            handles[i] = down * (0.26 + 0.74 * max(0.0, 1 - along**2.2) ** 0.8)
    for curve in UPPER_LIP_CURVES:
        for column, i in enumerate(curve):
            if column not in (0, 10):
                handles[i] = down * (0.26 * (abs(column - 5) / 5) ** 2.5 - 0.015)
    for i in CHIN:
        handles[i] = down * 1.0
    for pair, share in zip(JAW_LINE, (1.0, 1.0, 0.97, 0.9, 0.78, 0.6, 0.42, 0.25, 0.1, 0.0, 0.0), strict=True):
        handles.update(dict.fromkeys(pair, down * share))
    _still(handles, [*NOSE, *_flat(NOSE_WINGS), *_EYE_POINTS, *_flat(CHEEKS)])
    return handles


def _seal_handles(neutral: Float, eye_distance: float) -> Handles:
    """Closes the gap that one unit of jaw opens: the lower lip comes up two thirds of the way, the upper one down the rest."""
    jaw = _jaw_handles(eye_distance)
    handles: Handles = {}
    for column in range(11):
        gap = jaw[LOWER_LIP_CURVES[-1][column]] - jaw[UPPER_LIP_CURVES[-1][column]]
        if column in (0, 10):
            continue
        for upper, lower, share in zip(UPPER_LIP_CURVES, LOWER_LIP_CURVES, (0.7, 0.85, 0.95, 1.0), strict=True):
            handles[upper[column]] = 0.3 * gap * share
            handles[lower[column]] = -0.7 * gap * share
    _still(handles, [*NOSE, 152, 148, 377, 175, 61, 291, 78, 308])
    return handles


def _lower_lip_only(handles: Handles) -> Handles:
    upper = set(_flat(UPPER_LIP_CURVES)) - {61, 291, 78, 308, 62, 292, 76, 306}
    return {i: (np.zeros(3) if i in upper else move) for i, move in handles.items()}


def _smile_handles(neutral: Float, eye_distance: float, side: int) -> Handles:
    """One corner goes outwards, up and back; the cheek follows. side 0: left."""
    handles: Handles = {}
    outward = (-1.0, 1.0)[side]
    for curve in (*UPPER_LIP_CURVES, *LOWER_LIP_CURVES):
        for column, i in enumerate(curve):
            along = (column - 5) / 5 * outward
            share = max(0.0, along) ** 1.6 if along > 0 else 0.0
            handles[i] = np.array([outward * 0.062 * max(0.0, along), -0.085 * share + 0.006 * (along > -0.1), 0.02 * share]) * eye_distance
    for i, share in zip(CHEEKS[side], (0.9, 0.8, 1.0, 0.5, 0.5), strict=True):
        handles[i] = np.array([outward * 0.014, -0.034, -0.012]) * eye_distance * share
    for i in UNDER_EYES[side]:
        handles[i] = np.array([0, -0.012, 0]) * eye_distance
    _still(handles, [*NOSE, *_flat(UPPER_LIDS), *_flat(LOWER_LIDS), 152, 175, 199, *CHEEKS[1 - side]])
    return handles


def _frown_handles(neutral: Float, eye_distance: float) -> Handles:
    handles: Handles = {}
    for curve in (*UPPER_LIP_CURVES, *LOWER_LIP_CURVES):
        for column, i in enumerate(curve):
            along = (column - 5) / 5
            handles[i] = np.array([0.008 * along, 0.072 * abs(along) ** 1.8 - 0.014 * (1 - abs(along)), 0.0]) * eye_distance
    for i in (199, 200, 18, 175):
        handles[i] = np.array([0, -0.012, -0.004]) * eye_distance
    _still(handles, [*NOSE, *_flat(CHEEKS), *_EYE_POINTS, 152])
    return handles


def _lip_shift_handles(curves: tuple[tuple[int, ...], ...], down: float, rise_of_edge: float) -> Handles:
    """Shift one lip up or down, most in the middle; `rise_of_edge` is how far its outer edge goes, as a share."""
    handles: Handles = {}
    for depth, curve in enumerate(curves):
        for column, i in enumerate(curve):
            along = abs(column - 5) / 5
            share = max(0.0, 1 - along**3) * (rise_of_edge + (1 - rise_of_edge) * depth / 3)
            handles[i] = np.array([0, down * share, 0.0])
    return handles


# ---- eyes, brows, nose -----------------------------------------------------------------------------------------------------------


def _lid_handles(neutral: Float, side: int) -> Handles:
    """Closing: both lid edges meet at a fifth of the gap above the lower one; the crease follows."""
    handles: Handles = {}
    for column, (upper, lower) in enumerate(zip(UPPER_LIDS[side], LOWER_LIDS[side], strict=True)):
        if upper == lower:
            handles[upper] = np.zeros(3)
            continue
        gap = neutral[lower] - neutral[upper]
        handles[upper], handles[lower] = 0.86 * gap, -0.14 * gap
        handles[LID_CREASES[side][column - 1]] = 0.42 * gap
        handles[UNDER_EYES[side][column - 1]] = -0.06 * gap
    _still(handles, [*LID_FOLDS[side], *_BROW_POINTS, *NOSE])
    return handles


def _squint_handles(neutral: Float) -> Handles:
    handles: Handles = {}
    for side in (0, 1):
        for column, (upper, lower) in enumerate(zip(UPPER_LIDS[side], LOWER_LIDS[side], strict=True)):
            gap = neutral[lower] - neutral[upper]
            handles[upper], handles[lower] = 0.12 * gap, -0.4 * gap
            if 0 < column < 8:
                handles[UNDER_EYES[side][column - 1]] = -0.3 * gap
    _still(handles, [*_BROW_POINTS, *NOSE])
    return handles


def _brow_handles(eye_distance: float, inner: float, outer: tuple[float, float], pinch: float = 0.0) -> Handles:
    """Raise (positive) the inner and outer parts of the brows, and pinch the inner ends together; the upper lids stay."""
    handles: Handles = {}
    for side, outward in ((0, -1.0), (1, 1.0)):
        for i in BROW_INNER[side]:
            handles[i] = np.array([-outward * pinch, -inner, 0]) * eye_distance
        for order, i in enumerate(BROW_OUTER[side]):
            mix = (0.0, 0.2, 0.65)[order % 3]  # the outer third towards the arch, which both parts lift
            handles[i] = np.array([-outward * pinch * 0.4 * mix, -(mix * inner * 0.5 + (1 - 0.5 * mix) * outer[side]), 0]) * eye_distance
        lift = 0.5 * (inner + outer[side])
        for column, i in enumerate(LID_FOLDS[side]):
            handles[i] = np.array([0, -0.4 * (lift if column < 5 else inner), 0]) * eye_distance
    _still(handles, [*_flat(UPPER_LIDS), *_flat(LOWER_LIDS), 6, 197, 195, 5, 4])
    return handles


def _nose_handles(eye_distance: float) -> Handles:
    handles: Handles = {}
    for side, outward in ((0, -1.0), (1, 1.0)):
        for i in NOSE_WINGS[side]:
            handles[i] = np.array([outward * 0.012, -0.04, 0]) * eye_distance
        for i in CHEEKS[side]:
            handles[i] = np.array([0, -0.018, 0]) * eye_distance
    for curve in UPPER_LIP_CURVES:
        for column, i in enumerate(curve):
            handles[i] = np.array([0, -0.035 * max(0.0, 1 - (abs(column - 5) / 5) ** 3), 0]) * eye_distance
    _still(handles, [1, 4, 5, 6, 168, *_flat(LOWER_LIP_CURVES), *_flat(UPPER_LIDS), *_flat(LOWER_LIDS), *CHIN])
    return handles


def _unit_handles(neutral: Float, eye_distance: float) -> dict[Unit, tuple[Handles, float]]:
    """Return handles and reach (as a share of the eye distance) of each unit."""
    half = _NEUTRAL_MOUTH.half_width

    def mouth(shape: _Mouth) -> Handles:
        handles = _moved_mouth(neutral, eye_distance, shape)
        _still(handles, [*NOSE, 152, 175, 199, *_flat(CHEEKS)])
        return handles

    def lip(curves: tuple[tuple[int, ...], ...], down: float, edge: float) -> Handles:
        handles = {i: move * eye_distance for i, move in _lip_shift_handles(curves, down, edge).items()}
        other = LOWER_LIP_CURVES if curves is UPPER_LIP_CURVES else UPPER_LIP_CURVES
        _still(handles, [*NOSE, *_flat(other), 152, 175, 199])
        return handles

    return {
        Unit.JAW: (_jaw_handles(eye_distance), 0.9),
        Unit.SEAL: (_seal_handles(neutral, eye_distance), 0.4),
        Unit.ROUND: (mouth(_Mouth(0.6 * half, upper=1.25, lower=1.15, protrusion=0.10)), 0.5),
        Unit.WIDE: (mouth(_Mouth(1.2 * half, corner_lift=0.015, upper=0.9, lower=0.92)), 0.5),
        Unit.PRESS: (mouth(_Mouth(1.02 * half, upper=0.62, lower=0.68)), 0.4),
        Unit.BITE: (lip(LOWER_LIP_CURVES, -0.045, 0.35), 0.4),
        Unit.SMILE_LEFT: (_smile_handles(neutral, eye_distance, 0), 0.55),
        Unit.SMILE_RIGHT: (_smile_handles(neutral, eye_distance, 1), 0.55),
        Unit.FROWN: (_frown_handles(neutral, eye_distance), 0.5),
        Unit.UPPER_LIP: (lip(UPPER_LIP_CURVES, -0.06, 0.7), 0.4),
        Unit.LOWER_LIP: (lip(LOWER_LIP_CURVES, 0.08, 0.7), 0.4),
        Unit.LID_LEFT: (_lid_handles(neutral, 0), 0.3),
        Unit.LID_RIGHT: (_lid_handles(neutral, 1), 0.3),
        Unit.SQUINT: (_squint_handles(neutral), 0.25),
        Unit.BROW_INNER: (_brow_handles(eye_distance, 0.085, (0.0, 0.0)), 0.4),
        Unit.BROW_OUTER_LEFT: (_brow_handles(eye_distance, 0.0, (0.085, 0.0)), 0.4),
        Unit.BROW_OUTER_RIGHT: (_brow_handles(eye_distance, 0.0, (0.0, 0.085)), 0.4),
        Unit.BROW_LOWER: (_brow_handles(eye_distance, -0.06, (-0.03, -0.03), pinch=0.03), 0.4),
        Unit.NOSE_WRINKLE: (_nose_handles(eye_distance), 0.4),
    }


def face_shape(rig: Rig, coefficients: Float) -> Float:
    """Return the vertices (n, 3) of the unturned head for coefficients (units,) in the order of `UNITS`."""
    return np.asarray(rig.neutral + np.tensordot(coefficients, rig.basis, axes=1))


def landmark_count() -> int:
    """Return how many vertices are face landmarks (the irises are not part of the mesh)."""
    return FACE_POINTS
