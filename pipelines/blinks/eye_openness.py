"""How far the eyes are open, read from expression coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.basis import FaceModel
from pipelines.face_model.landmark_points import LEFT_LID_PAIRS, RIGHT_LID_PAIRS

Float64Array = NDArray[np.float64]
_UPWARDS = 1


@dataclass(frozen=True, eq=False)
class EyeOpenness:
    """A linear measure of expression coefficients: the mean height of both eyes' openings.

    Attributes:
        weights: (64,) float64, inter-ocular distances per unit of each coefficient.
        offset: the height of the mean face's openings in inter-ocular distances.
    """

    weights: Float64Array
    offset: float

    def curve(self, beta: NDArray[Any]) -> Float64Array:
        """Return the openness (...,) of coefficients (..., 64), in inter-ocular distances."""
        return np.asarray(np.asarray(beta, dtype=np.float64) @ self.weights + self.offset)


def eye_openness(face_model: FaceModel) -> EyeOpenness:
    """Return the measure of a face model: lower lids are subtracted from upper ones, in the head's own axes.

    Raises:
        ValueError: the model lacks lid landmarks.
    """
    rows = {int(point): int(vertex) for point, vertex in zip(face_model.landmarks, face_model.landmark_vertices, strict=True)}
    pairs = (*RIGHT_LID_PAIRS, *LEFT_LID_PAIRS)
    missing = sorted({point for pair in pairs for point in pair} - set(rows))
    if missing:
        raise ValueError(f"face model {face_model.model_id} lacks the lid landmarks {missing}, so its blinks cannot be seen")
    upper = np.array([rows[pair[0]] for pair in pairs])
    lower = np.array([rows[pair[1]] for pair in pairs])
    basis, mean = face_model.expression_basis[:, _UPWARDS].astype(np.float64), face_model.mean[:, _UPWARDS].astype(np.float64)
    return EyeOpenness((basis[upper] - basis[lower]).mean(axis=0), float((mean[upper] - mean[lower]).mean()))
