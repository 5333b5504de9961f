"""Learning the blink model from the clips of a training split, in one pass over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.blinks.detection import Blink, closing_drops, detect_blinks
from pipelines.blinks.eye_openness import EyeOpenness, Float64Array
from pipelines.blinks.intervals import fit_intervals
from pipelines.blinks.model import SHAPE_CENTRE, SHAPE_FRAMES, BlinkModel
from pipelines.media_time import CLIP_FPS

LEAST_BLINKS = 3
"""Fewer say neither how a blink looks nor how often one comes."""

_CLOSED_QUANTILE = 0.25  # many blinks are half ones, or fall between two frames
_SHAPES_KEPT = 64


class HasCoefficients(Protocol):
    """A clip's expression; `usable` says which frames were seen rather than interpolated."""

    @property
    def beta(self) -> NDArray[np.float32]:
        """(frames, 64) float32."""
        ...

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(frames,) bool."""
        ...


def fit_blinks(sequences: Iterable[HasCoefficients], openness: EyeOpenness) -> BlinkModel | None:
    """Learn blinks from clips.

    Args:
        sequences: clips of the training split; gone through once.
        openness: the face model's measure.

    Returns:
        The model; None if the clips show fewer than three blinks.
    """
    found = _Found(len(openness.weights))
    for sequence in sequences:
        found.add(sequence.beta, sequence.usable, openness)
    if len(found.curves) < LEAST_BLINKS or found.squares <= 0:
        return None
    direction = found.products / found.squares
    # Noise in the drops leaves this a little off -1; taking a blink out must take out all of it.
    direction = direction - openness.weights * (openness.weights @ direction + 1) / (openness.weights @ openness.weights)
    closed = float(np.quantile([curve.bottom for curve in found.curves], _CLOSED_QUANTILE))
    kept = np.unique(np.linspace(0, len(found.curves) - 1, _SHAPES_KEPT).round().astype(int))
    shapes = np.stack([found.curves[row].closure(closed) for row in kept])
    frames = round(sum(found.durations_s) * CLIP_FPS)
    return BlinkModel(openness, direction, closed, fit_intervals(found.times_s, found.durations_s), shapes, len(found.curves), frames)


@dataclass(frozen=True, eq=False)
class _BlinkCurve:
    """Openness that a blink took, and what it would have been, in the frames of a stored closure."""

    drop: Float64Array
    opened: Float64Array

    @property
    def bottom(self) -> float:
        return float(self.opened[SHAPE_CENTRE] - self.drop[SHAPE_CENTRE])

    def closure(self, closed: float) -> Float64Array:
        reach = np.maximum(self.opened - closed, self.drop.max())
        return np.asarray(np.clip(self.drop / reach, 0.0, 1.0))


@dataclass(eq=False)
class _Found:
    """What has been seen so far."""

    size: int
    products: Float64Array = field(init=False)
    squares: float = 0.0
    curves: list[_BlinkCurve] = field(default_factory=list)
    times_s: list[Float64Array] = field(default_factory=list)
    durations_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.products = np.zeros(self.size)

    def add(self, beta: NDArray[np.float32], usable: NDArray[np.bool_], openness: EyeOpenness) -> None:
        curve = openness.curve(beta)
        blinks = [blink for blink in detect_blinks(curve) if usable[blink.first : blink.last + 1].all()]
        drop, opened = closing_drops(curve, blinks)
        for blink in blinks:
            self._add_blink(blink, beta, drop, opened)
        self.times_s.append(np.array([blink.deepest / CLIP_FPS for blink in blinks]))
        self.durations_s.append(len(beta) / CLIP_FPS)

    def _add_blink(self, blink: Blink, beta: NDArray[np.float32], drop: Float64Array, opened: Float64Array) -> None:
        first, last = blink.first, blink.last + 1
        if blink.deepest in (blink.first, blink.last):  # cut by the clip's edge
            return
        straight = np.linspace(beta[first].astype(np.float64), beta[last - 1].astype(np.float64), last - first)
        lost = drop[first:last]
        self.products += lost @ (beta[first:last] - straight)
        self.squares += float(lost @ lost)
        offset = SHAPE_CENTRE - blink.deepest
        places = np.arange(max(first, -offset), min(last, SHAPE_FRAMES - offset))
        shape, level = np.zeros(SHAPE_FRAMES), np.full(SHAPE_FRAMES, opened[blink.deepest])
        shape[places + offset], level[places + offset] = drop[places], opened[places]
        self.curves.append(_BlinkCurve(shape, level))
