"""Bounds of figures, and whether they are met."""

from __future__ import annotations

from pipelines.figure_meaning import FigureMeaning


def test_bounds_are_met_or_not() -> None:
    between, least, most = FigureMeaning("", 0.5, 2), FigureMeaning("", 0.75), FigureMeaning("", None, 1e-4)

    assert [figure.wanted for figure in (between, least, most, FigureMeaning(""))] == ["0.5 to 2", "0.75 or more", "0.0001 or less", ""]
    assert between.is_met(2)
    assert not between.is_met(0.49)
    assert least.is_met(0.75)
    assert not most.is_met(2e-4)
    assert FigureMeaning("").is_met(-5)
