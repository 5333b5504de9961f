"""How much the samples of one audio differ, against how much real faces do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.coefficient_evaluation.curve_measures import Floats


@dataclass(frozen=True)
class NaturalSpread:
    """How much real coefficients vary.

    Attributes:
        mean: (features,) over all frames.
        stddev: (features,) over all frames of all clips.
        within: (features,) root mean square distance of the frames from the mean of their own emotion: what is left to chance once the
            emotion is given.
        lowest: (features,) smallest value.
        highest: (features,) largest value.
    """

    mean: Floats
    stddev: Floats
    within: Floats
    lowest: Floats
    highest: Floats


def natural_spread(sequences: Sequence[Floats], emotions: Sequence[str]) -> NaturalSpread:
    """Return the spread of real sequences.

    Args:
        sequences: each (frames, features), at least one frame in all.
        emotions: the label of each; clips without one share the empty label.
    """
    frames = np.concatenate(sequences).astype(np.float64)
    labels = np.repeat(np.array(emotions), [len(sequence) for sequence in sequences])
    centred = frames.copy()
    for label in np.unique(labels):
        centred[labels == label] -= frames[labels == label].mean(axis=0)
    within = np.sqrt((centred**2).mean(axis=0))
    return NaturalSpread(frames.mean(axis=0), frames.std(axis=0), within, frames.min(axis=0), frames.max(axis=0))


def seed_variance(samples: Floats) -> Floats:
    """Return the variance between seeds, per feature (features,), meaned over the frames.

    Args:
        samples: (seeds, frames, features) of one request; the unbiased variance of two seeds or more.
    """
    if len(samples) < 2:
        raise ValueError(f"the variance between seeds needs two or more of them, got {len(samples)}")
    return np.asarray(samples.astype(np.float64).var(axis=0, ddof=1).mean(axis=0))


def pooled_spread_ratio(variances: Sequence[Floats], natural_stddev: Floats) -> float:
    """Return the spread between seeds over the natural one, features pooled by their size: for features in one unit (expression).

    Frames drawn at random from the real ones would give 1, equal samples 0.

    Args:
        variances: `seed_variance` of each request.
        natural_stddev: (features,).
    """
    variance = np.mean(variances, axis=0)
    return float(np.sqrt(variance.sum() / (np.asarray(natural_stddev, dtype=np.float64) ** 2).sum()))


def mean_spread_ratio(variances: Sequence[Floats], natural_stddev: Floats) -> float:
    """Return the spread between seeds over the natural one, meaned over the features: for features in several units (pose)."""
    ratio = np.sqrt(np.mean(variances, axis=0)) / np.maximum(natural_stddev, 1e-12)
    return float(ratio.mean())
