"""Blinks of one generated sequence: drawn from the item's own seed, the same whatever pieces the sequence is asked for in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.blinks.model import SHAPE_CENTRE, SHAPE_FRAMES, BlinkModel
from pipelines.media_time import CLIP_FPS


class BlinkTimeline:
    """Closures of a sequence of any length, a run of frames at a time.

    Args:
        model: blinks to draw.
        generator: of random numbers, used by this timeline alone.
        rate_factor: 2 blinks twice as often, 0 never.
        frames: deepest frames of blinks to show instead of drawn ones; None: draw.
    """

    def __init__(
        self, model: BlinkModel, generator: np.random.Generator, rate_factor: float = 1.0, frames: Sequence[int] | None = None
    ) -> None:
        self._shapes = model.shapes
        self._generator = generator
        self._events = self._given(frames) if frames is not None else self._drawn(model, rate_factor)
        self._pending = next(self._events, None)
        self._shown: list[tuple[int, int]] = []  # deepest frame and number of the shape

    def closure(self, first_frame: int, frames: int) -> NDArray[np.float64]:
        """Return how far the eyes are closed by blinks, (frames,), 0..1; runs must be asked for in order."""
        end = first_frame + frames
        while self._pending is not None and self._pending[0] < end + SHAPE_CENTRE:
            self._shown.append(self._pending)
            self._pending = next(self._events, None)
        self._shown = [blink for blink in self._shown if blink[0] + SHAPE_FRAMES > first_frame]
        closure = np.zeros(frames)
        for deepest, shape in self._shown:
            start = deepest - SHAPE_CENTRE - first_frame
            places = np.arange(max(start, 0), min(start + SHAPE_FRAMES, frames))
            closure[places] = np.maximum(closure[places], self._shapes[shape, places - start])
        return closure

    def _given(self, frames: Sequence[int]) -> Iterator[tuple[int, int]]:
        for frame in sorted(frames):
            yield frame, self._shape()

    def _drawn(self, model: BlinkModel, rate_factor: float) -> Iterator[tuple[int, int]]:
        if rate_factor <= 0:
            return
        time_s = model.intervals.draw_first(self._generator, rate_factor)
        while True:
            yield round(time_s * CLIP_FPS), self._shape()
            time_s += model.intervals.draw(self._generator, rate_factor)

    def _shape(self) -> int:
        return int(self._generator.integers(len(self._shapes)))
