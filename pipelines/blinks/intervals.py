"""The times between blinks: a delayed gamma distribution, fitted to clips that are too short to show many of them.

A clip of four seconds with one blink shows no whole interval, only that two intervals are longer than what is seen of them. The mean
comes from blinks per second, which cutting does not bias; the spread from the likelihood of whole and of cut intervals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma

SHORTEST_INTERVAL_S = 0.32
_SHAPES = np.geomspace(0.5, 16.0, 31)
_USUAL_SHAPE = 2.0  # between the memoryless 1 and a metronome; human blinking lies between 1 and 3
_WEIGHT_OF_USUAL = 2.0
_GRID_STEPS = 2000


@dataclass(frozen=True)
class BlinkIntervals:
    """Intervals of `SHORTEST_INTERVAL_S` plus a gamma variate.

    Attributes:
        mean_s: mean interval, above the shortest.
        shape: of the gamma variate; large: regular.
    """

    mean_s: float
    shape: float

    def draw(self, generator: np.random.Generator, rate_factor: float = 1.0) -> float:
        """Return the seconds from one blink to the next; they shrink as the rate grows, but not below the shortest interval."""
        mean_s = max(self.mean_s / rate_factor, SHORTEST_INTERVAL_S)
        return SHORTEST_INTERVAL_S + (mean_s - SHORTEST_INTERVAL_S) * float(generator.gamma(self.shape)) / self.shape

    def draw_first(self, generator: np.random.Generator, rate_factor: float = 1.0) -> float:
        """Return the seconds to the first blink after a moment that nothing is known about.

        Such a moment falls into long intervals more often than into short ones, and anywhere within.
        """
        mean_s = max(self.mean_s / rate_factor, SHORTEST_INTERVAL_S)
        excess_s = mean_s - SHORTEST_INTERVAL_S
        within, choice = generator.random(2)
        longer = self.shape + (choice >= SHORTEST_INTERVAL_S / mean_s)
        return float(within) * (SHORTEST_INTERVAL_S + excess_s * float(generator.gamma(longer)) / self.shape)


def fit_intervals(blink_times_s: list[NDArray[np.float64]], durations_s: list[float]) -> BlinkIntervals:
    """Fit intervals to clips.

    Args:
        blink_times_s: for each clip, its blinks' times from its start, ascending; at least one in all.
        durations_s: of each clip.
    """
    blinks = sum(len(times) for times in blink_times_s)
    mean_s = max(sum(durations_s) / blinks, SHORTEST_INTERVAL_S + 1.0 / 25)
    whole = np.concatenate([np.diff(times) for times in blink_times_s])
    # Seen from the first or the last blink, the interval is longer than what the clip shows of it.
    ends = [(times[0], duration - times[-1]) for times, duration in zip(blink_times_s, durations_s, strict=True) if len(times)]
    cut_before, cut_after = np.array(ends).T
    empty = np.array([duration for times, duration in zip(blink_times_s, durations_s, strict=True) if not len(times)])
    scores = [_log_likelihood(float(shape), mean_s, whole, cut_before, cut_after, empty) for shape in _SHAPES]
    return BlinkIntervals(mean_s, float(_SHAPES[int(np.argmax(scores))]))


def _log_likelihood(
    shape: float,
    mean_s: float,
    whole: NDArray[np.float64],
    cut_before: NDArray[np.float64],
    cut_after: NDArray[np.float64],
    empty: NDArray[np.float64],
) -> float:
    """Return the log-likelihood of what clips show of a stationary renewal process, with a weak preference for the usual shape."""
    law = gamma(shape, loc=SHORTEST_INTERVAL_S, scale=(mean_s - SHORTEST_INTERVAL_S) / shape)
    total = law.logpdf(np.maximum(whole, SHORTEST_INTERVAL_S + 0.02)).sum()
    total += (law.logsf(cut_before) - np.log(mean_s)).sum() + law.logsf(cut_after).sum()
    if len(empty):
        times = np.linspace(0.0, max(20 * mean_s, float(empty.max()) * 2), _GRID_STEPS)
        survival = law.sf(times)
        beyond = np.cumsum(survival[::-1])[::-1] * (times[1] - times[0]) / mean_s
        total += np.log(np.maximum(np.interp(empty, times, beyond), 1e-12)).sum()
    return float(total - _WEIGHT_OF_USUAL * np.log(shape / _USUAL_SHAPE) ** 2)
