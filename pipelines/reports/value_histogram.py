"""A histogram of a column whose values arrive batch by batch and whose range is known only at the end."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_TAIL_SHARE = 0.005
"""Share of the largest values that are drawn as one last bar, so that a few long clips do not flatten the rest."""


@dataclass(frozen=True)
class HistogramBin:
    """One bar: `count` values in [start, end); the last of a histogram may be open (`end` infinite)."""

    start: float
    end: float
    count: int


class ValueHistogram:
    """Counts values rounded down to a multiple of `quantum`; memory grows with the number of different multiples alone.

    Args:
        quantum: the finest width a bar can have, in the unit of the values.
    """

    def __init__(self, quantum: float) -> None:
        self._quantum = quantum
        self._counts: Counter[int] = Counter()
        self.lowest = math.inf
        self.highest = -math.inf
        self._sum = 0.0

    def add(self, column: pa.Array) -> None:
        """Count the values of a numeric Arrow column; nulls and values that are not finite are left out."""
        values = column.drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
        values = values[np.isfinite(values)]
        if values.size == 0:
            return
        # The small addend keeps 0.3 / 0.1 from falling into the multiple below.
        multiples, counts = np.unique(np.floor(values / self._quantum + 1e-6).astype(np.int64), return_counts=True)
        self._counts.update(dict(zip(multiples.tolist(), counts.tolist(), strict=True)))
        self.lowest = min(self.lowest, float(values.min()))
        self.highest = max(self.highest, float(values.max()))
        self._sum += float(values.sum())

    @property
    def total(self) -> int:
        """Number of values counted."""
        return self._counts.total()

    @property
    def mean(self) -> float:
        """Mean of the values; 0 where there are none."""
        return self._sum / self.total if self.total else 0.0

    def quantile(self, share: float) -> float:
        """Return the value under which `share` (0 to 1) of the values lie, to within one quantum; 0 where there are none."""
        wanted = share * self.total
        seen = 0
        for multiple in sorted(self._counts):
            seen += self._counts[multiple]
            if seen >= wanted:
                return multiple * self._quantum
        return 0.0

    def bins(self, most: int = 24) -> list[HistogramBin]:
        """Return at most about `most` bars of equal, round width that cover all values; the last one takes a long tail."""
        if not self._counts:
            return []
        first, last = min(self._counts), max(self._counts)
        tail = math.ceil(self.quantile(1 - _TAIL_SHARE) / self._quantum - 1e-6)
        has_tail = last - first >= most and last - first > 2 * (tail - first + 1)
        width = _round_width(((tail if has_tail else last) - first + 1) / most)
        start = first // width * width
        stop = (tail // width + 1) * width if has_tail else (last // width + 1) * width
        counts = [0] * ((stop - start) // width + has_tail)
        for multiple, count in self._counts.items():
            counts[min((multiple - start) // width, len(counts) - 1)] += count
        edges = [(start + number * width) * self._quantum for number in range(len(counts) + 1)]
        if has_tail:
            edges[-1] = math.inf
        return [HistogramBin(edges[number], edges[number + 1], count) for number, count in enumerate(counts)]


def _round_width(least: float) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 25, 50, ... that is not under `least`."""
    scale = 10 ** math.floor(math.log10(max(least, 1.0)))
    return next(int(step * scale) for step in _STEPS if step * scale >= least and step * scale == int(step * scale))
