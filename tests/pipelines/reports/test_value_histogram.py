from __future__ import annotations

import itertools
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.reports.value_histogram import ValueHistogram


def histogram(values: list[float], quantum: float = 0.1) -> ValueHistogram:
    counted = ValueHistogram(quantum)
    counted.add(pa.array(values, pa.float64()))
    return counted


@given(st.lists(st.floats(0, 400), min_size=1, max_size=200), st.sampled_from([0.001, 0.1, 1.0]))
def test_bins_count_every_value_once(values: list[float], quantum: float) -> None:
    bins = histogram(values, quantum).bins()

    assert sum(bin_.count for bin_ in bins) == len(values)
    assert len(bins) <= 26
    assert all(left.end == right.start for left, right in itertools.pairwise(bins))
    assert bins[0].start <= min(values) + quantum
    assert bins[-1].end >= max(values) or math.isclose(bins[-1].end, max(values))


def test_adding_in_batches_equals_adding_at_once() -> None:
    values = np.random.default_rng(0).gamma(3.0, 2.0, 1000)
    in_batches = ValueHistogram(0.1)
    for start in range(0, 1000, 70):
        in_batches.add(pa.array(values[start : start + 70]))

    assert in_batches.bins() == histogram(values.tolist()).bins()
    assert in_batches.mean == pytest.approx(values.mean())


def test_a_multiple_of_the_quantum_opens_its_own_bin_despite_rounding() -> None:
    assert [bin_.start for bin_ in histogram([0.3, 0.3, 0.3]).bins()] == pytest.approx([0.3])


def test_a_long_tail_is_one_open_bar() -> None:
    bins = histogram([2.0] * 500 + [3.0] * 500 + [290.0]).bins()

    assert bins[-1].end == math.inf
    assert bins[-1].count == 1
    assert bins[-1].start < 10


def test_nulls_and_values_that_are_not_finite_are_left_out() -> None:
    counted = ValueHistogram(1.0)
    counted.add(pa.array([1.0, None, math.nan, math.inf, 3.0]))

    assert (counted.total, counted.lowest, counted.highest) == (2, 1.0, 3.0)


def test_no_values_give_no_bins() -> None:
    empty = ValueHistogram(1.0)

    assert (empty.bins(), empty.mean, empty.quantile(0.5)) == ([], 0.0, 0.0)


def test_quantile_is_within_one_quantum() -> None:
    assert histogram([float(value) for value in range(101)], 1.0).quantile(0.5) == pytest.approx(50.0, abs=1.0)
