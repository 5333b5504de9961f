"""How latents are drawn for a sequence: normal or Student-t in each frame, correlated from frame to frame.

The flow itself is trained frame by frame and says nothing of that correlation; independent latents make faces tremble, constant ones
make them stiff. Each frame's latent has exactly the model's own distribution whatever the correlation is:

    x_t   = sqrt(1 - s) slow_t + sqrt(s) white_t        slow: first-order autoregressive, unit variance; white: independent
    z_t   = mean + T x_t sqrt(nu / chi2_t)              chi2_t: chi-squared with nu degrees, as slow as `slow` (a Gaussian copula)

For the Gaussian base the last factor is 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import gammaincinv, ndtr

from pipelines.generation.random_streams import Stream, random_stream

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
_LAST_CHANCE = 1e-9


@dataclass(frozen=True)
class TemporalPrior:
    """Correlation of latents in time.

    Attributes:
        correlation: of the slow share from one frame (1/25 s) to the next, 0..1.
        independent_share: share of the variance that is new in each frame, 0..1; 1: no correlation at all.
    """

    correlation: float = 0.95
    independent_share: float = 0.3

    def __post_init__(self) -> None:
        if not (0.0 <= self.correlation < 1.0 and 0.0 <= self.independent_share <= 1.0):
            raise ValueError(f"correlation must be in [0, 1) and independent_share in [0, 1], got {self}")


class LatentNoise:
    """The noise of one sequence, a run of frames at a time: the same numbers whatever the runs.

    Args:
        features: size of a latent.
        degrees_of_freedom: of the Student-t; None: Gaussian.
        prior: correlation in time.
        seed: of the item.
        take: of the item.
        streams: which of the item's streams give the normal draws and the tails.
    """

    def __init__(
        self,
        features: int,
        degrees_of_freedom: float | None,
        prior: TemporalPrior,
        item: tuple[int, int],
        streams: tuple[Stream, Stream],
    ) -> None:
        self._features = features
        self._degrees = degrees_of_freedom
        self._prior = prior
        self._normals = random_stream(*item, streams[0])
        self._slow = _Autoregression(prior.correlation, self._normals.standard_normal(features))
        tails = random_stream(*item, streams[1])
        self._tails = tails
        self._slow_tails = _Autoregression(prior.correlation, tails.standard_normal(1))

    def draw(self, frames: int) -> Float64Array:
        """Return the next frames' noise, (frames, features): mean 0, the model's distribution at temperature 1."""
        fresh = self._normals.standard_normal((frames, 2, self._features))
        share = self._prior.independent_share
        noise = np.sqrt(1 - share) * self._slow.advance(fresh[:, 0]) + np.sqrt(share) * fresh[:, 1]
        if self._degrees is None:
            return np.asarray(noise)
        rank = ndtr(self._slow_tails.advance(self._tails.standard_normal((frames, 1))))
        chi_squared = 2 * gammaincinv(self._degrees / 2, np.clip(rank, _LAST_CHANCE, 1 - _LAST_CHANCE))
        return np.asarray(noise * np.sqrt(self._degrees / chi_squared))


class _Autoregression:
    """A stationary first-order process of unit variance."""

    def __init__(self, correlation: float, before: Float64Array) -> None:
        self._correlation = correlation
        self._before = before

    def advance(self, fresh: Float64Array) -> Float64Array:
        """Return the next values from independent normal ones, (frames, features)."""
        gain = np.sqrt(1 - self._correlation**2)
        state = (self._correlation * self._before)[None]
        values, _ = lfilter([gain], [1.0, -self._correlation], fresh, axis=0, zi=state)
        if len(values):
            self._before = values[-1]
        return np.asarray(values)
