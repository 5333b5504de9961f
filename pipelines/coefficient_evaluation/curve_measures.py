"""Measures between curves and sequences, on plain arrays: correlation, smoothness, range and drift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

_FLAT = 1e-9


def pearson(first: Floats, second: Floats) -> float:
    """Return the correlation of two curves (frames,), over the frames that both have; NaN where one does not vary.

    Args:
        first: (frames,) in any unit.
        second: (frames',) in any unit; the longer one is cut at its end.
    """
    frames = min(len(first), len(second))
    one = np.asarray(first[:frames], dtype=np.float64) - np.mean(first[:frames]) if frames else np.zeros(0)
    two = np.asarray(second[:frames], dtype=np.float64) - np.mean(second[:frames]) if frames else np.zeros(0)
    size = float(np.sqrt((one * one).sum() * (two * two).sum()))
    return float((one * two).sum() / size) if size > _FLAT**2 else float("nan")


def best_lag(curve: Floats, driver: Floats, furthest: int) -> tuple[int, float]:
    """Return by how many frames a curve follows its driver where they correlate most, and that correlation.

    Args:
        curve: (frames,).
        driver: (frames,).
        furthest: lags from -furthest to furthest are tried; negative: the curve comes first.
    """
    found = {lag: pearson(curve[max(lag, 0) :], driver[max(-lag, 0) :]) for lag in range(-furthest, furthest + 1)}
    lag = max(found, key=lambda key: (np.nan_to_num(found[key], nan=-2.0), -abs(key)))
    return lag, found[lag]


def amplitude_ratio(curve: Floats, truth: Floats) -> float:
    """Return the standard deviation of a curve (frames,) over that of its truth; NaN where the truth does not vary."""
    natural = float(np.std(truth))
    return float(np.std(curve)) / natural if natural > _FLAT else float("nan")


def jitter(sequence: Floats) -> float:
    """Return the mean length of the second difference over time of a sequence (frames, features); NaN under three frames."""
    if len(sequence) < 3:
        return float("nan")
    second = np.diff(np.asarray(sequence, dtype=np.float64), n=2, axis=0)
    return float(np.sqrt((second * second).sum(axis=-1)).mean())


def jitter_ratio(generated: Sequence[Floats], truth: Sequence[Floats]) -> float:
    """Return the jitter of generated sequences over that of true ones, each weighted by its second differences.

    Args:
        generated: sequences (frames, features) in the unit of the truth's.
        truth: as many or others; only their mean counts.
    """
    return _pooled_jitter(generated) / _pooled_jitter(truth)


def _pooled_jitter(sequences: Sequence[Floats]) -> float:
    weights = np.array([max(len(sequence) - 2, 0) for sequence in sequences], dtype=np.float64)
    if not weights.sum():
        return float("nan")
    values = np.array([jitter(sequence) if len(sequence) > 2 else 0.0 for sequence in sequences])
    return float((weights * values).sum() / weights.sum())


def range_share(sequence: Floats, lowest: Floats, highest: Floats) -> float:
    """Return the share of the values of a sequence (frames, features) that lie between bounds (features,), which count as inside."""
    inside = (sequence >= lowest) & (sequence <= highest)
    return float(inside.mean())


def largest_excess(sequence: Floats, lowest: Floats, highest: Floats) -> float:
    """Return how far a sequence (frames, features) leaves its bounds at the worst place, in widths of that feature's range; 0: never."""
    width = np.maximum(np.asarray(highest, dtype=np.float64) - lowest, _FLAT)
    outside = np.maximum(np.maximum(lowest - sequence, sequence - highest), 0.0)
    return float((outside / width).max())


def drift(sequence: Floats, natural_stddev: Floats) -> float:
    """Return how far the mean of the last quarter of a sequence lies from that of the first, in natural standard deviations.

    The distance and the spread are pooled over the features by their size, so that features which hardly vary do not count. A
    sequence that wanders to and fro about one place has a drift near 0; one that moves steadily by a standard deviation over its whole
    length has 0.75.

    Args:
        sequence: (frames, features), four frames or more.
        natural_stddev: (features,) of real sequences, in the same units.
    """
    quarter = len(sequence) // 4
    if not quarter:
        raise ValueError(f"drift is measured between quarters of a sequence: expected 4 frames or more, got {len(sequence)}")
    step = sequence[-quarter:].mean(axis=0, dtype=np.float64) - sequence[:quarter].mean(axis=0, dtype=np.float64)
    return float(np.sqrt((step * step).sum() / (np.asarray(natural_stddev, dtype=np.float64) ** 2).sum()))
