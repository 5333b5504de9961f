"""A chart of what metrics make of graded distortions."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pipelines.video_evaluation.distortions import DistortionCurves
from pipelines.video_evaluation.metric_list import METRIC_LIST

_COLUMNS = 3
_WIDTH, _HEIGHT = 4.6, 3.3


def draw_distortions(path: Path, found: list[DistortionCurves]) -> None:
    """Draw a panel for each distortion; every curve runs from 0 at its first value to 1 at the one farthest from it.

    Args:
        path: PNG file to write.
        found: what was measured; those without curves are left out.
    """
    shown = [curves for curves in found if curves.curves]
    rows = max(1, -(-len(shown) // _COLUMNS))
    figure = Figure(figsize=(_WIDTH * _COLUMNS, _HEIGHT * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for number, curves in enumerate(shown):
        axes = figure.add_subplot(rows, _COLUMNS, number + 1)
        for metric, values in curves.curves.items():
            span = max(abs(value - values[0]) for value in values) or 1.0
            digits = METRIC_LIST[metric].digits
            label = f"{METRIC_LIST[metric].title}: {values[0]:.{digits}f} to {values[-1]:.{digits}f}"
            axes.plot(
                curves.steps, [(value - values[0]) / span for value in values], marker="o", markersize=3.5, linewidth=1.3, label=label
            )
        axes.axhline(0, color="0.7", linewidth=0.8, zorder=0)
        axes.set(xlabel=curves.title, ylim=(-1.12, 1.12), yticks=(-1, 0, 1))
        axes.legend(fontsize=7.5, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
