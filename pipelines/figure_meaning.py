"""What a figure of an evaluation means, and what it should be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FigureMeaning:
    """One figure.

    Attributes:
        meaning: in a few words.
        least, most: bounds of what is wanted; None: no bound on that side.
    """

    meaning: str
    least: float | None = None
    most: float | None = None

    @property
    def wanted(self) -> str:
        """The bounds in words; empty: it is there to compare others with."""
        if self.least is not None and self.most is not None:
            return f"{self.least:g} to {self.most:g}"
        if self.least is not None:
            return f"{self.least:g} or more"
        return "" if self.most is None else f"{self.most:g} or less"

    def is_met(self, value: float) -> bool:
        """Say whether a value is as wanted."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)
