"""Samples that lie where no training frame does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.coefficient_evaluation.curve_measures import Floats

TYPICAL_SHARE = 0.999
_VARIANCE_FLOOR = 1e-6  # of the largest; directions that never vary would make everything an outlier


@dataclass(frozen=True)
class TypicalRegion:
    """The ellipsoid around the mean of the training frames that holds 99.9 % of them.

    Attributes:
        mean: (features,).
        whitening: (features, features), makes the covariance of the training frames the identity.
        radius: Mahalanobis distance of its surface.
    """

    mean: NDArray[np.float64]
    whitening: NDArray[np.float64]
    radius: float

    def distances(self, frames: Floats) -> NDArray[np.float64]:
        """Return the Mahalanobis distance (n,) of frames (n, features)."""
        white = (np.asarray(frames, dtype=np.float64) - self.mean) @ self.whitening
        return np.asarray(np.sqrt((white * white).sum(axis=-1)))

    def outlier_share(self, frames: Floats) -> float:
        """Return the share of frames (n, features) outside; those that are not finite count as outside."""
        return float(1.0 - (self.distances(frames) <= self.radius).mean())


def typical_region(frames: Floats) -> TypicalRegion:
    """Return the region of training frames (n, features), n at least 2."""
    values = np.asarray(frames, dtype=np.float64)
    mean = values.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(values - mean, rowvar=False))
    whitening = directions / np.sqrt(np.maximum(variances, _VARIANCE_FLOOR * variances[-1]))
    region = TypicalRegion(mean, whitening, 0.0)
    return TypicalRegion(mean, whitening, float(np.quantile(region.distances(values), TYPICAL_SHARE)))
