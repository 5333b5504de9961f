"""The Frechet distance between two sets of features; with the features of FID's Inception network it is FID.

Reference: Heusel et al. 2017, equation 6; Dowson and Landau 1982.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class FeatureMoments:
    """Mean and covariance of features that come batch by batch, in memory that does not depend on their number.

    Args:
        features: numbers of each.
    """

    def __init__(self, features: int) -> None:
        self.count = 0
        self._sum = np.zeros(features)
        self._products = np.zeros((features, features))

    def add(self, batch: NDArray[Any]) -> None:
        """Take in features (n, features)."""
        values = np.asarray(batch, np.float64)
        self.count += len(values)
        self._sum += values.sum(axis=0)
        self._products += values.T @ values

    @property
    def mean(self) -> Floats:
        """(features,)."""
        return np.asarray(self._sum / max(1, self.count))

    @property
    def covariance(self) -> Floats:
        """(features, features), unbiased."""
        centred = self._products - self.count * np.outer(self.mean, self.mean)
        return np.asarray(centred / max(1, self.count - 1))


def frechet_distance(first: FeatureMoments, second: FeatureMoments) -> float | None:
    """Return |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)), at least 0; None: one has fewer than two features."""
    if min(first.count, second.count) < 2:
        return None
    return gaussian_frechet(first.mean, first.covariance, second.mean, second.covariance)


def gaussian_frechet(mean_1: Floats, covariance_1: Floats, mean_2: Floats, covariance_2: Floats) -> float:
    """Return the distance of two normal distributions given means (n,) and covariances (n, n)."""
    root = _square_root(covariance_1)
    inner = np.linalg.eigvalsh(root @ covariance_2 @ root)
    trace = float(np.trace(covariance_1) + np.trace(covariance_2) - 2 * np.sqrt(np.clip(inner, 0, None)).sum())
    apart = mean_1 - mean_2
    return max(0.0, float(apart @ apart) + trace)


def _square_root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T)
