"""M-LMD and F-LMD: how far landmarks of made frames lie from those of the true ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.video_evaluation.face_alignment import FACE_68, MOUTH_20

Floats = NDArray[np.float64]


def landmark_distances(made: NDArray[Any], true: NDArray[Any]) -> Floats:
    """Return (frames,) mean distances of points (frames, n, 2) in their unit, after the centroid of each frame is taken out.

    Moved points have the same distance, larger faces have larger ones: nothing is divided by the size of the face. NaN where a
    point is NaN.
    """
    apart = _centred(made) - _centred(true)
    return np.asarray(np.sqrt((apart * apart).sum(axis=-1)).mean(axis=-1))


def mouth_distances(made: NDArray[Any], true: NDArray[Any]) -> Floats:
    """Return (frames,) `landmark_distances` of the 20 points of the mouth, of landmarks (frames, 478, 2)."""
    mouth = FACE_68[MOUTH_20]
    return landmark_distances(made[:, mouth], true[:, mouth])


def face_distances(made: NDArray[Any], true: NDArray[Any]) -> Floats:
    """Return (frames,) `landmark_distances` of all 68 points, of landmarks (frames, 478, 2)."""
    return landmark_distances(made[:, FACE_68], true[:, FACE_68])


def _centred(points: NDArray[Any]) -> Floats:
    values = np.asarray(points, np.float64)[..., :2]
    return np.asarray(values - values.mean(axis=-2, keepdims=True))
