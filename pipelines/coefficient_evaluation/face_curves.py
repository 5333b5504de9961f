"""How far the mouth is open, as a linear function of the expression coefficients; for the eyes see `pipelines.blinks`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.coefficient_evaluation.curve_measures import Floats
from pipelines.face_model.basis import FaceModel
from pipelines.face_model.landmark_points import MIDLINE_LIPS
from storage_schemas.errors import BadInputError

_UP = 1  # the y axis of face models points up


@dataclass(frozen=True)
class LinearCurve:
    """A curve ``beta @ weights + offset`` in the model's unit, the inter-ocular distance.

    Attributes:
        weights: (64,) float64.
        offset: value of the mean face.
    """

    weights: NDArray[np.float64]
    offset: float

    def of(self, beta: Floats) -> NDArray[np.float64]:
        """Return the curve (..., frames) of expressions (..., frames, 64)."""
        return np.asarray(np.asarray(beta, dtype=np.float64) @ self.weights + self.offset)


def mouth_opening_curve(model: FaceModel) -> LinearCurve:
    """Return the height between the inner lips on the midline of the mean identity.

    Raises:
        BadInputError: if the model does not have these landmarks.
    """
    return height_between(model, (MIDLINE_LIPS,))


def height_between(model: FaceModel, pairs: Sequence[tuple[int, int]]) -> LinearCurve:
    """Return the mean height of upper over lower landmarks.

    Args:
        model: the face model whose coefficients are meant.
        pairs: numbers of MediaPipe landmarks, upper and lower.

    Raises:
        BadInputError: if the model has no vertex for one of them.
    """
    vertex_of = dict(zip(model.landmarks.tolist(), model.landmark_vertices.tolist(), strict=True))
    missing = sorted({point for pair in pairs for point in pair} - set(vertex_of))
    if missing:
        raise BadInputError(f"face model {model.model_id} has no vertex for landmarks {missing}, which the measure is made of")
    upper = [vertex_of[pair[0]] for pair in pairs]
    lower = [vertex_of[pair[1]] for pair in pairs]
    step = model.expression_basis[upper, _UP].astype(np.float64) - model.expression_basis[lower, _UP]
    rest = model.mean[upper, _UP].astype(np.float64) - model.mean[lower, _UP]
    return LinearCurve(step.mean(axis=0), float(rest.mean()))
