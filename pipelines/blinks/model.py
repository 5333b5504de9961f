"""The blink model: what a blink does to the coefficients, how it runs, and how often it comes.

A normalizing flow that draws frame by frame hardly ever blinks: a blink is rare, and no frame before it announces it. So blinks are
taken out of what the flow learns and are put back into what it draws, as a renewal process of their own:

    beta_t = open_t + closure_t * (openness(open_t) - closed) * direction

`direction` is how coefficients move for one unit of openness lost; `closed` is the openness of shut eyes, so that eyes shut fully
whether the emotion holds them wide or narrow; closures are those of recorded blinks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.blinks.detection import closing_drops, detect_blinks
from pipelines.blinks.eye_openness import EyeOpenness
from pipelines.blinks.intervals import BlinkIntervals
from storage_schemas.errors import BadInputError

BLINK_FORMAT = 1
SHAPE_FRAMES = 20
"""Frames of a stored closure."""
SHAPE_CENTRE = 7
"""The deepest frame of a stored closure."""

Float64Array = NDArray[np.float64]
_LEAST_REACH = 0.1  # of the mean face's eyes


@dataclass(frozen=True, eq=False)
class BlinkModel:
    """Blinks as a corpus shows them.

    Attributes:
        openness: measure of coefficients.
        direction: (64,) float64, change of coefficients per unit of openness lost; its own openness is -1.
        closed: openness of shut eyes.
        intervals: time from blink to blink.
        shapes: (n, 20) float64, closures 0..1 of recorded blinks, deepest at frame 7.
        blinks: how many were seen.
        frames: in how many frames, 25 a second.
    """

    openness: EyeOpenness
    direction: Float64Array
    closed: float
    intervals: BlinkIntervals
    shapes: Float64Array
    blinks: int
    frames: int

    @property
    def rate_per_minute(self) -> float:
        """Blinks a minute."""
        return 60.0 / self.intervals.mean_s

    def remove(self, beta: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the coefficients (frames, 64) of a clip with its blinks taken out."""
        drop = self.drops(beta)
        return np.asarray((beta - drop[:, None] * self.direction).astype(np.float32))

    def drops(self, beta: NDArray[np.float32]) -> Float64Array:
        """Return by how much blinks lower the openness of each frame of a clip, (frames,), 0 where there is none."""
        openness = self.openness.curve(beta)
        return closing_drops(openness, detect_blinks(openness))[0]

    def closures(self, beta: NDArray[np.float32]) -> Float64Array:
        """Return how far blinks close the eyes of each frame of a clip, (frames,), 0 to about 1: what `apply` takes to undo `remove`."""
        openness = self.openness.curve(beta)
        drop, opened = closing_drops(openness, detect_blinks(openness))
        return drop / self._reach(opened)

    def apply(self, beta: NDArray[np.float32], closure: Float64Array) -> NDArray[np.float32]:
        """Return coefficients with blinks.

        Args:
            beta: (frames, 64) without blinks.
            closure: (frames,), 0: untouched, 1: shut.
        """
        drop = closure * self._reach(self.openness.curve(beta))
        return np.asarray((beta + drop[:, None] * self.direction).astype(np.float32))

    def _reach(self, opened: Float64Array) -> Float64Array:
        """Return how far eyes that are so far open can close; never nearly 0, for something is divided by it."""
        return np.maximum(opened - self.closed, _LEAST_REACH * abs(self.openness.offset - self.closed) + 1e-9)

    def as_json(self) -> dict[str, Any]:
        """Return the model as JSON values."""
        return {
            "format": BLINK_FORMAT,
            "openness": {"weights": self.openness.weights.tolist(), "offset": self.openness.offset},
            "direction": self.direction.tolist(),
            "closed": self.closed,
            "intervals": {"mean_s": self.intervals.mean_s, "shape": self.intervals.shape},
            "shapes": np.round(self.shapes, 5).tolist(),
            "blinks": self.blinks,
            "frames": self.frames,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> BlinkModel:
        """Return the model that `as_json` wrote.

        Raises:
            BadInputError: the values are something else.
        """
        try:
            if values["format"] != BLINK_FORMAT:
                raise BadInputError(f"blink model of format {values['format']}, this version reads {BLINK_FORMAT}; train the model again")
            opening = values["openness"]
            model = cls(
                EyeOpenness(np.array(opening["weights"], dtype=np.float64), float(opening["offset"])),
                np.array(values["direction"], dtype=np.float64),
                float(values["closed"]),
                BlinkIntervals(float(values["intervals"]["mean_s"]), float(values["intervals"]["shape"])),
                np.array(values["shapes"], dtype=np.float64),
                int(values["blinks"]),
                int(values["frames"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, BadInputError):
                raise
            raise BadInputError(f"expected the values of a blink model, found {type(error).__name__}: {error}") from error
        if model.direction.shape != model.openness.weights.shape or model.shapes.ndim != 2 or model.shapes.shape[1] != SHAPE_FRAMES:
            shapes = f"{model.direction.shape}, {model.openness.weights.shape} and {model.shapes.shape}"
            raise BadInputError(f"blink model: expected direction, weights and shapes (64,), (64,) and (n, {SHAPE_FRAMES}), found {shapes}")
        return model
