"""A judge of emotion: trained on real clips, it says which emotion a sequence of expressions shows.

Only the mean expression over time is looked at, since it is what the emotions of a corpus differ in whatever is said, and distances are
in units of how much clips of one emotion differ among themselves: in the coefficients' own unit the mouth's movements outweigh the brows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from pipelines.coefficient_evaluation.curve_measures import Floats
from storage_schemas.errors import BadInputError

_LABELS_NEEDED = 2
_VARIANCE_FLOOR = 0.0025  # of the largest; the trailing coefficients are noise
_SHRINKAGE = 0.1
_SLICE_FRAMES = 50
_SLICE_STEP_FRAMES = 25


@dataclass(frozen=True)
class EmotionJudge:
    """Two judges on mean expressions: the nearest class mean, and a linear discriminant analysis of slices of two seconds.

    Attributes:
        labels: sorted emotions that it tells apart.
        class_means: (labels, 64) mean expression of the clips of each.
        scale: (64,) standard deviation of clip means within an emotion, floored.
        classifier: trained on slices over `scale`.
    """

    labels: tuple[str, ...]
    class_means: NDArray[np.float64]
    scale: NDArray[np.float64]
    classifier: LinearDiscriminantAnalysis

    def nearest_mean(self, sequences: Sequence[Floats]) -> list[str]:
        """Return for each sequence (frames, 64) the emotion whose mean expression is nearest to its own, in units of `scale`."""
        means = np.array([_mean(beta) for beta in sequences])
        distances = (((means[:, None] - self.class_means[None]) / self.scale) ** 2).sum(axis=-1)
        return [self.labels[int(row)] for row in distances.argmin(axis=1)]

    def classify(self, sequences: Sequence[Floats]) -> list[str]:
        """Return for each sequence (frames, 64) the emotion that the discriminant analysis finds most likely over its slices."""
        return [self.labels[int(self._log_probabilities(beta).mean(axis=0).argmax())] for beta in sequences]

    def _log_probabilities(self, beta: Floats) -> NDArray[np.float64]:
        features = np.array([_mean(piece) for piece in _slices(beta)]) / self.scale
        with np.errstate(divide="ignore"):  # far from a class its probability is 0
            return np.asarray(np.maximum(self.classifier.predict_log_proba(features), np.log(np.finfo(np.float64).tiny)))


def train_judge(sequences: Sequence[Floats], emotions: Sequence[str]) -> EmotionJudge:
    """Train a judge on real clips.

    Args:
        sequences: beta (frames, 64) of each clip.
        emotions: the label of each; clips whose label is empty are left out.

    Raises:
        BadInputError: if there are fewer than two emotions, or no emotion has two clips.
    """
    pairs = [(beta, emotion) for beta, emotion in zip(sequences, emotions, strict=True) if emotion and len(beta)]
    labels = tuple(sorted({emotion for _, emotion in pairs}))
    if len(labels) < _LABELS_NEEDED or len(pairs) == len(labels):
        found = ", ".join(labels) or "none"
        raise BadInputError(f"telling emotions apart needs two clips of two emotions or more; the training split has {len(pairs)}: {found}")
    rows = np.array([labels.index(emotion) for _, emotion in pairs])
    means = np.array([_mean(beta) for beta, _ in pairs])
    class_means = np.array([means[rows == row].mean(axis=0) for row in range(len(labels))])
    scale = _floored_stddev(means - class_means[rows])
    classifier = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=_SHRINKAGE)
    pieces = [(_mean(piece) / scale, row) for (beta, _), row in zip(pairs, rows, strict=True) for piece in _slices(beta)]
    classifier.fit(np.array([feature for feature, _ in pieces]), [row for _, row in pieces])
    return EmotionJudge(labels, class_means, scale, classifier)


def accuracy(found: Sequence[str], expected: Sequence[str]) -> float:
    """Return the share of labels that are as expected; NaN for none."""
    return float(np.mean([one == two for one, two in zip(found, expected, strict=True)])) if expected else float("nan")


def _mean(beta: Floats) -> NDArray[np.float64]:
    return np.asarray(np.asarray(beta, dtype=np.float64).mean(axis=0))


def _slices(beta: Floats) -> list[Floats]:
    """Return overlapping slices of two seconds; a shorter sequence is one slice."""
    starts = range(0, max(1, len(beta) - _SLICE_FRAMES + 1), _SLICE_STEP_FRAMES)
    return [beta[start : start + _SLICE_FRAMES] for start in starts]


def _floored_stddev(residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    variance = residuals.var(axis=0)
    return np.asarray(np.sqrt(variance + _VARIANCE_FLOOR * variance.max() + 1e-12))
