"""Figures as PNG files, drawn without a display and without matplotlib's global state; the same data give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from storage_schemas.identifiers import Emotion
from storage_schemas.store_trouble import store_trouble

COLOUR_OF_EMOTION: dict[str, str] = dict(
    zip(
        [emotion.value for emotion in Emotion],
        ["#d62728", "#8c564b", "#2ca02c", "#9467bd", "#ff9f1c", "#7f7f7f", "#1f77b4", "#e377c2", "#17becf"],
        strict=True,
    )
)
_DOTS_PER_INCH = 110
_OTHER_COLOUR = "#bcbd22"
_LEGEND_INCHES = 1.2  # width of one entry


def colour_of(label: str) -> str:
    """Return the colour of an emotion; other labels share one."""
    return COLOUR_OF_EMOTION.get(label, _OTHER_COLOUR)


def new_figure(rows: int, columns: int, panel_inches: tuple[float, float]) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure and its axes by row and column.

    Args:
        rows: of panels.
        columns: of panels.
        panel_inches: width and height of one panel.
    """
    figure = Figure(figsize=(panel_inches[0] * columns, panel_inches[1] * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, [list(row) for row in axes]


def emotion_legend(figure: Figure, emotions: Sequence[str]) -> None:
    """Draw a legend of emotions below a figure."""
    marks = [Line2D([], [], linestyle="", marker="o", color=colour_of(emotion), label=emotion) for emotion in emotions]
    figure.legend(
        handles=marks, loc="outside lower center", ncols=max(1, int(figure.get_figwidth() / _LEGEND_INCHES)), frameon=False, fontsize=8
    )


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, making its folder if need be.

    Raises:
        StoreError: it cannot be written.
    """
    with store_trouble("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=_DOTS_PER_INCH, format="png", metadata={"Software": None})
