from __future__ import annotations

from pipelines.training.loss_curves import curves_png, sparkline


def test_a_picture() -> None:
    assert curves_png("a run", {"loss": [(1, 2.0), (2, 1.0)], "validation": [(2, 1.5)]}).startswith(b"\x89PNG")
    assert curves_png("nothing yet", {}).startswith(b"\x89PNG")


def test_a_curve_as_text() -> None:
    assert sparkline([(step, float(step)) for step in range(8)]) == "▁▂▃▄▅▆▇█"
    assert sparkline([(1, 3.0)]) == "▁"
    assert len(sparkline([(step, 1.0) for step in range(1000)])) == 60
    assert sparkline([]) == ""
