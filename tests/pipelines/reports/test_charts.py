from __future__ import annotations

import pyarrow as pa
import pytest

from pipelines.reports.charts import HEIGHT, WIDTH, count_bars, histogram_chart
from pipelines.reports.value_histogram import ValueHistogram


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0, 3.5], [float(value % 97) for value in range(1000)], [2.0] * 1000 + [300.0]])
def test_bars_stay_inside_the_view_box_and_apart(values: list[float]) -> None:
    counted = ValueHistogram(0.1)
    counted.add(pa.array(values))
    chart = histogram_chart("Length", "s", counted, lambda value: f"{value:g}")

    assert all(column.x >= 0 and column.x + column.width <= WIDTH for column in chart.columns)
    assert all(column.y >= 0 and column.y + column.height <= HEIGHT for column in chart.columns)
    assert all(left.x + left.width < right.x for left, right in zip(chart.columns, chart.columns[1:], strict=False))
    assert all(0 <= label.x <= WIDTH for label in chart.labels)


def test_the_highest_bar_reaches_the_top_and_a_rare_value_is_still_seen() -> None:
    counted = ValueHistogram(1.0)
    counted.add(pa.array([1.0] * 5000 + [5.0]))
    chart = histogram_chart("Length", "s", counted, lambda value: f"{value:g}")
    heights = [column.height for column in chart.columns]

    assert chart.peak == "5,000"
    assert max(heights) == chart.baseline - 16
    assert heights[-1] == 1.5
    assert 0.0 in heights


def test_a_histogram_of_nothing_says_so() -> None:
    chart = histogram_chart("Length", "s", ValueHistogram(1.0), str)

    assert (chart.columns, chart.labels, chart.summary) == ([], [], "no values")


def test_what_does_not_fit_is_one_last_bar() -> None:
    bars = count_bars([("a", 10), ("b", 5), ("c", 3), ("d", 2)], most=2)

    assert [(bar.label, bar.share, bar.text) for bar in bars] == [("a", 1.0, "10"), ("b", 0.5, "5"), ("2 others", 0.5, "5")]
    assert count_bars([]) == []
