"""Losses against steps, as a picture and as text."""

from __future__ import annotations

from io import BytesIO

Curves = dict[str, list[tuple[int, float]]]

_BARS = "▁▂▃▄▅▆▇█"
_COLUMNS = 60


def curves_png(title: str, curves: Curves, unit: str = "nats per dimension") -> bytes:
    """Return a picture of curves as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - matplotlib takes a while to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(7, 4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    for name, points in sorted(curves.items()):
        axes.plot([step for step, _ in points], [value for _, value in points], label=name, linewidth=1.2)
    axes.set(title=title, xlabel="step", ylabel=unit)
    axes.grid(visible=True, alpha=0.3)
    if curves:
        axes.legend()
    target = BytesIO()
    FigureCanvasAgg(figure).print_png(target, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return target.getvalue()


def sparkline(points: list[tuple[int, float]]) -> str:
    """Return a curve as one line of text, highest values as the tallest bars."""
    values = [value for _, value in points]
    count = min(_COLUMNS, len(values))
    chosen = [values[round(place * (len(values) - 1) / max(1, count - 1))] for place in range(count)]
    if not chosen:
        return ""
    low, high = min(chosen), max(chosen)
    return "".join(_BARS[round((value - low) / ((high - low) or 1.0) * (len(_BARS) - 1))] for value in chosen)
