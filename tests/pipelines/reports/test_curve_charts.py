import re

import numpy as np

from pipelines.reports.curve_charts import CURVES_WIDTH, Curve, curve_chart


def _points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", path)]


def test_a_curve_fills_its_strip_and_small_ones_do_not() -> None:
    large, small = np.linspace(-10, 10, 51), np.linspace(-0.1, 0.1, 51)
    chart = curve_chart([Curve("a", large, None, 1.0), Curve("b", small, small, 2.0)], np.zeros(51, bool))
    top, bottom = chart.strips
    assert _points(top.path)[0] == (chart.left, top.y + top.height)
    assert _points(top.path)[-1] == (chart.left + chart.width, top.y)
    heights = [y for _, y in _points(bottom.path)]
    assert max(heights) - min(heights) < 0.11 * bottom.height
    assert (top.low, top.high, bottom.low, bottom.high) == ("-10", "10", "-1", "1")
    assert (top.raw_path, bottom.raw_path) == ("", bottom.path)
    assert bottom.y >= top.y + top.height
    assert chart.left + chart.width < CURVES_WIDTH


def test_missing_values_break_the_line() -> None:
    values = np.array([0.0, 1, np.nan, 2, 3])
    path = curve_chart([Curve("a", values, None, 0.0)], np.zeros(5, bool)).strips[0].path
    assert (path.count("M"), path.count("L")) == (2, 2)
    assert "nan" not in path
    nothing = curve_chart([Curve("a", np.full(3, np.nan), None, 0.0)], np.zeros(3, bool)).strips[0]
    assert (nothing.path, nothing.low) == ("", "0")


def test_marked_frames_are_runs() -> None:
    marked = np.zeros(101, bool)
    marked[[0, 1, 50, 100]] = True
    marks = curve_chart([], marked).marks
    assert len(marks) == 3
    assert marks[1][1] < marks[0][1]


def test_labels_are_whole_and_few() -> None:
    for frames, expected in ((26, "0.2 s"), (75, "0.5 s"), (250, "2 s")):
        labels = [label.text for label in curve_chart([], np.zeros(frames, bool)).labels]
        assert labels[:2] == ["0 s", expected]
        assert len(labels) <= 7
    assert len(curve_chart([], np.zeros(1, bool)).labels) == 1
