"""How long a training lasts and how its learning rate goes."""

from __future__ import annotations

import math
from dataclasses import dataclass

_PROJECTION_FROM = 0.5
"""Share of the time after which the pace is known well enough to plan by."""


@dataclass(frozen=True)
class Budget:
    """A number of steps, and perhaps a cap in seconds.

    On a machine that is too slow for all steps the learning rate is annealed over those that there is time for, so the training ends
    well rather than in the middle. Where the cap does not bind, nothing depends on the clock.
    """

    steps: int
    cap_s: float = 0.0

    def planned_steps(self, step: int, seconds: float) -> int:
        """Return how many steps there will be, after `step` steps that took so many seconds."""
        if not self.cap_s or not step or seconds < _PROJECTION_FROM * self.cap_s:
            return self.steps
        reachable = step + math.floor(max(0.0, self.cap_s - seconds) * step / seconds)
        return min(self.steps, max(step + 1, reachable))

    def ended(self, step: int, seconds: float) -> bool:
        """Say whether it is over after `step` steps."""
        return step >= self.steps or bool(self.cap_s and seconds >= self.cap_s and step)


@dataclass(frozen=True)
class LearningRate:
    """A linear rise to `largest`, then half a cosine down to `final_share` of it."""

    largest: float
    warmup_steps: int
    final_share: float

    def at(self, step: int, planned_steps: int) -> float:
        """Return the learning rate of a step (0, 1, ...) of so many."""
        rise = min(1.0, (step + 1) / (self.warmup_steps + 1))
        progress = min(1.0, max(0.0, (step - self.warmup_steps) / max(1, planned_steps - self.warmup_steps)))
        fall = self.final_share + (1 - self.final_share) * 0.5 * (1 + math.cos(math.pi * progress))
        return self.largest * rise * fall
