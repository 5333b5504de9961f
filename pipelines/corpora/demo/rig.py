"""The rig: how each action unit moves the mesh.

A unit says where a few handles go (in shares of the distance between the outer eye corners); the rest of the mesh follows by the
smoothest displacement (biharmonic over the mesh graph) that meets the handles and is zero beyond a reach. Eyes and mouth are holes of the
graph, so lids and lips part. The rest shape is not the portrait, which smiles with open lips, but a neutral face with closed lips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.corpora.demo.action_units import UNITS, Unit
from pipelines.corpora.demo.handles import Handles
from pipelines.corpora.demo.head_mesh import HeadMesh
from pipelines.corpora.demo.mouth_handles import (
    NEUTRAL_HALF_WIDTH,
    MouthShape,
    closing_handles,
    frown_handles,
    jaw_handles,
    lip_shift_handles,
    seal_handles,
    shape_handles,
    smile_handles,
)
from pipelines.corpora.demo.portrait import Float
from pipelines.corpora.demo.upper_face_handles import brow_handles, lid_handles, nose_handles, squint_handles


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
    closing = _spread(closing_handles(portrait, eye_distance), 0.75 * eye_distance, portrait, stiffness)
    neutral = np.round(portrait + closing, 3)
    handles = _unit_handles(neutral, eye_distance)
    basis = [_spread(handles[unit][0], handles[unit][1] * eye_distance, neutral, stiffness) for unit in UNITS]
    return Rig(neutral, np.asarray(np.round(np.stack(basis), 3), dtype=np.float64), eye_distance)


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


def _unit_handles(neutral: Float, eye_distance: float) -> dict[Unit, tuple[Handles, float]]:
    """Return handles and reach (as a share of the eye distance) of each unit."""
    half, unit = NEUTRAL_HALF_WIDTH, eye_distance
    rounded = MouthShape(0.56 * half, upper=1.25, lower=1.15, protrusion=0.10)
    wide = MouthShape(1.30 * half, corner_lift=0.015, upper=0.9, lower=0.92)
    pressed = MouthShape(0.97 * half, upper=0.62, lower=0.68)
    return {
        Unit.JAW: (jaw_handles(unit), 0.9),
        Unit.SEAL: (seal_handles(unit), 0.4),
        Unit.ROUND: (shape_handles(neutral, unit, rounded), 0.5),
        Unit.WIDE: (shape_handles(neutral, unit, wide), 0.5),
        Unit.PRESS: (shape_handles(neutral, unit, pressed), 0.4),
        Unit.BITE: (lip_shift_handles(unit, upper=False, down=-0.045, edge_share=0.35), 0.4),
        Unit.SMILE_LEFT: (smile_handles(unit, 0), 0.55),
        Unit.SMILE_RIGHT: (smile_handles(unit, 1), 0.55),
        Unit.FROWN: (frown_handles(unit), 0.5),
        Unit.UPPER_LIP: (lip_shift_handles(unit, upper=True, down=-0.06, edge_share=0.7), 0.4),
        Unit.LOWER_LIP: (lip_shift_handles(unit, upper=False, down=0.08, edge_share=0.7), 0.4),
        Unit.LID_LEFT: (lid_handles(neutral, 0), 0.3),
        Unit.LID_RIGHT: (lid_handles(neutral, 1), 0.3),
        Unit.SQUINT: (squint_handles(neutral), 0.25),
        Unit.BROW_INNER: (brow_handles(unit, 0.115, (0.0, 0.0)), 0.4),
        Unit.BROW_OUTER_LEFT: (brow_handles(unit, 0.0, (0.115, 0.0)), 0.4),
        Unit.BROW_OUTER_RIGHT: (brow_handles(unit, 0.0, (0.0, 0.115)), 0.4),
        Unit.BROW_LOWER: (brow_handles(unit, -0.05, (-0.02, -0.02), pinch=0.035), 0.4),
        Unit.NOSE_WRINKLE: (nose_handles(unit), 0.4),
    }


def face_shape(rig: Rig, coefficients: Float) -> Float:
    """Return the vertices (n, 3) of the unturned head for coefficients (units,) in the order of `UNITS`."""
    return np.asarray(rig.neutral + np.einsum("u,und->nd", coefficients, rig.basis))
