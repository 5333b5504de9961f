"""The geometry of a report's charts: plain numbers that the template writes as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.reports.value_histogram import HistogramBin, ValueHistogram

WIDTH = 320
HEIGHT = 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 6, 6, 16, 20
_GAP = 2.0
_LABEL_SPACING = 46.0


@dataclass(frozen=True)
class Column:
    """One bar of a histogram in the units of the view box, with the text shown when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class AxisLabel:
    """A number under the horizontal axis."""

    x: float
    text: str


@dataclass(frozen=True)
class HistogramChart:
    """A histogram ready to be drawn in a view box of WIDTH x HEIGHT.

    Attributes:
        title, unit, summary: heading, unit of the values, one line of figures.
        columns, labels: bars and axis labels.
        baseline: y of the horizontal axis.
        peak: largest count, written beside the highest bar's level.
    """

    title: str
    unit: str
    summary: str
    columns: list[Column]
    labels: list[AxisLabel]
    baseline: float
    peak: str


@dataclass(frozen=True)
class Bar:
    """One row of a bar list: `share` (0 to 1) of the whole width is filled."""

    label: str
    share: float
    text: str


def histogram_chart(title: str, unit: str, values: ValueHistogram, write: Callable[[float], str]) -> HistogramChart:
    """Lay out a histogram.

    Args:
        title: heading.
        unit: unit of the values; "" for none.
        values: what is counted.
        write: how a value is written on the axis and in the summary.
    """
    bins = values.bins()
    peak = max((bin_.count for bin_ in bins), default=0)
    pitch = (WIDTH - _LEFT - _RIGHT) / max(1, len(bins))
    baseline = HEIGHT - _BOTTOM
    columns = []
    for number, bin_ in enumerate(bins):
        height = (baseline - _TOP) * bin_.count / peak
        # A bar that is not empty stays visible beside a very high one.
        height = max(height, 1.5) if bin_.count else 0.0
        width = min(pitch - _GAP, 48.0)
        x = _LEFT + number * pitch + _GAP / 2
        columns.append(Column(round(x, 2), round(baseline - height, 2), round(width, 2), round(height, 2), _bin_title(bin_, unit, write)))
    return HistogramChart(title, unit, _summary(values, write), columns, _labels(bins, pitch, write), baseline, f"{peak:,}")


def _bin_title(bin_: HistogramBin, unit: str, write: Callable[[float], str]) -> str:
    where = f"{write(bin_.start)} and over" if math.isinf(bin_.end) else f"{write(bin_.start)} to {write(bin_.end)}"
    return f"{where}{' ' + unit if unit else ''}: {bin_.count:,}"


def _summary(values: ValueHistogram, write: Callable[[float], str]) -> str:
    if not values.total:
        return "no values"
    figures = (write(values.lowest), write(values.quantile(0.5)), write(values.highest))
    return f"smallest {figures[0]}, median {figures[1]}, largest {figures[2]}"


def _labels(bins: Sequence[HistogramBin], pitch: float, write: Callable[[float], str]) -> list[AxisLabel]:
    """Return the left edges of the bars, thinned out so that the numbers do not touch."""
    every = max(1, math.ceil(_LABEL_SPACING / pitch)) if bins else 1
    return [
        AxisLabel(round(_LEFT + number * pitch + _GAP / 2, 2), write(bin_.start) + ("+" if math.isinf(bin_.end) else ""))
        for number, bin_ in enumerate(bins)
        if number % every == 0
    ]


def count_bars(counts: Sequence[tuple[str, int]], most: int = 8) -> list[Bar]:
    """Return bars for named counts, longest the largest count; what does not fit in `most` rows is one last row."""
    shown = list(counts[:most])
    rest = sum(count for _, count in counts[most:])
    if rest:
        shown.append((f"{len(counts) - most:,} others", rest))
    largest = max((count for _, count in shown), default=1)
    return [Bar(label, count / largest, f"{count:,}") for label, count in shown]
