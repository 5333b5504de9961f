"""The geometry of curves over time: strips one above the other, plain numbers that the template writes as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.media_time import CLIP_FPS
from pipelines.reports.charts import AxisLabel

CURVES_WIDTH = 560
_LEFT, _RIGHT, _TOP, _BOTTOM = 92, 44, 4, 18
_STRIP_HEIGHT = 36
_GAP = 7
_LABELS = 6
_STEPS_S = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Curve:
    """A quantity over the frames of a clip.

    Attributes:
        name: what it is, with its unit.
        values: (frames,), not finite where there is none.
        raw: (frames,) before smoothing; None: not shown.
        least_span: the strip covers at least this much, so that noise does not look like movement.
    """

    name: str
    values: NDArray[np.float64]
    raw: NDArray[np.float64] | None
    least_span: float


@dataclass(frozen=True)
class Strip:
    """A curve ready to be drawn: SVG paths and the place of its frame and texts in the chart's view box."""

    name: str
    y: float
    height: float
    path: str
    raw_path: str
    low: str
    high: str


@dataclass(frozen=True)
class CurveChart:
    """Strips over one axis of time, `CURVES_WIDTH` wide.

    Attributes:
        height: of the view box.
        left, width: of the strips.
        strips: from top to bottom.
        marks: (x, width) of runs of frames that are marked.
        labels: of the axis, in seconds.
    """

    height: float
    left: float
    width: float
    strips: list[Strip]
    marks: list[tuple[float, float]]
    labels: list[AxisLabel]


def curve_chart(curves: Sequence[Curve], marked: NDArray[np.bool_]) -> CurveChart:
    """Lay out curves of the same frames.

    Args:
        curves: one a strip.
        marked: (frames,) frames to be shaded.
    """
    frames = len(marked)
    width = CURVES_WIDTH - _LEFT - _RIGHT
    pitch = width / max(1, frames - 1)
    strips = [_strip(curve, _TOP + number * (_STRIP_HEIGHT + _GAP), pitch) for number, curve in enumerate(curves)]
    height = _TOP + len(curves) * (_STRIP_HEIGHT + _GAP) + _BOTTOM
    starts = np.flatnonzero(np.diff(marked.astype(np.int8), prepend=0) == 1)
    ends = np.flatnonzero(np.diff(marked.astype(np.int8), append=0) == -1)
    marks = [
        (round(max(_LEFT, _LEFT + (start - 0.5) * pitch), 1), round((end - start + 1) * pitch, 1))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    return CurveChart(height, _LEFT, width, strips, marks, _seconds(frames, pitch))


def _strip(curve: Curve, top: float, pitch: float) -> Strip:
    known = np.concatenate([curve.values, curve.values if curve.raw is None else curve.raw])
    known = known[np.isfinite(known)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    missing = max(0.0, curve.least_span - (high - low)) / 2
    low, high = low - missing, high + missing
    scale = _STRIP_HEIGHT / max(high - low, 1e-9)
    paths = [
        "" if values is None else _path(_LEFT + np.arange(len(values)) * pitch, top + _STRIP_HEIGHT - (values - low) * scale)
        for values in (curve.values, curve.raw)
    ]
    return Strip(curve.name, top, _STRIP_HEIGHT, paths[0], paths[1], f"{low:.2g}", f"{high:.2g}")


def _path(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """Return an SVG path that leaves out points that are not finite."""
    steps = []
    pen_down = False
    for across, down in zip(x.tolist(), y.tolist(), strict=True):
        if not np.isfinite(down):
            pen_down = False
            continue
        steps.append(f"{'L' if pen_down else 'M'}{across:.1f} {down:.1f}")
        pen_down = True
    return "".join(steps)


def _seconds(frames: int, pitch: float) -> list[AxisLabel]:
    length_s = (frames - 1) / CLIP_FPS
    step_s = next((step for step in _STEPS_S if length_s / step <= _LABELS), _STEPS_S[-1])
    times = np.arange(0.0, length_s + 1e-9, step_s).tolist()
    return [AxisLabel(round(_LEFT + time_s * CLIP_FPS * pitch, 1), f"{time_s:g} s") for time_s in times]
