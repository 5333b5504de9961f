"""How a fitted clip compares with what it was fitted to: curves, blinks, and identities of its halves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.basis import FaceModel
from pipelines.face_model.fit_quality import blink_frames
from pipelines.face_model.landmark_points import eye_opening, mouth_opening
from pipelines.face_model.rotations import FloatArray

_LARGEST_LAG = 5
_BLINK_TOLERANCE = 2


@dataclass(frozen=True)
class CurveAgreement:
    """How two curves of the same frames go together.

    Attributes:
        mouth_r: correlation of the mouth openings.
        mouth_lag_frames: shift of the fitted curve at which their correlation is largest; positive: it comes late.
        blinks: in the landmarks.
        blinks_kept: of these, those that the fit has within two frames.
    """

    mouth_r: float
    mouth_lag_frames: int
    blinks: int
    blinks_kept: int


def compare_curves(landmarks_px: FloatArray, fitted_px: FloatArray) -> CurveAgreement:
    """Compare the fitted mesh of a clip with its landmarks.

    Args:
        landmarks_px: (frames, 478, 2 or 3), finite.
        fitted_px: the same points of the fitted mesh.
    """
    mouths = mouth_opening(landmarks_px[..., :2]), mouth_opening(fitted_px[..., :2])
    raw, kept = (blink_frames(eye_opening(points[..., :2]).mean(axis=-1)) for points in (landmarks_px, fitted_px))
    near = np.abs(raw[:, None] - kept).min(axis=1, initial=len(landmarks_px)) <= _BLINK_TOLERANCE
    return CurveAgreement(correlation(*mouths), _best_lag(*mouths), len(raw), int(near.sum()))


def correlation(first: FloatArray, second: FloatArray) -> float:
    """Return Pearson's r of two curves."""
    return float(np.corrcoef(first, second)[0, 1])


def _best_lag(first: FloatArray, second: FloatArray) -> int:
    def shifted(lag: int) -> float:
        return correlation(first[max(0, -lag) : len(first) - max(0, lag)], second[max(0, lag) : len(second) - max(0, -lag)])

    lags = sorted(range(-_LARGEST_LAG, _LARGEST_LAG + 1), key=abs)
    return max(lags, key=shifted)


def halves_nearest(model: FaceModel, halves: NDArray[np.float64], speakers: Sequence[str]) -> list[bool]:
    """Say of each clip whether its two halves are nearer to each other in identity than either is to any half of other speakers' clips.

    Args:
        model: whose identities they are.
        halves: (clips, 2, identity modes) identities, each fitted to one half of a clip.
        speakers: of the clips.
    """
    shapes = model.shape(halves, np.zeros(len(model.expression_stddevs)))
    distances = np.sqrt(((shapes[:, :, None, None] - shapes[None, None]) ** 2).sum(axis=-1).mean(axis=-1))
    other = np.array([[first != second for second in speakers] for first in speakers])
    return [bool((distances[clip, 0, clip, 1] < distances[clip][:, other[clip]]).all()) for clip in range(len(speakers))]
