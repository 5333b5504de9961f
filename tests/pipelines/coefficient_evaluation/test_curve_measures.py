from __future__ import annotations

import numpy as np
import pytest

from pipelines.coefficient_evaluation.curve_measures import (
    amplitude_ratio,
    best_lag,
    drift,
    jitter,
    jitter_ratio,
    largest_excess,
    pearson,
    range_share,
)

RNG = np.random.default_rng(0)
WANDERING = np.cumsum(RNG.standard_normal((400, 3)), axis=0)


def test_identical_curves_correlate_fully_and_have_ratio_one() -> None:
    curve = WANDERING[:, 0]

    assert pearson(curve, curve) == pytest.approx(1)
    assert pearson(curve, 3 - 2 * curve) == pytest.approx(-1)
    assert amplitude_ratio(curve, curve) == pytest.approx(1)
    assert jitter_ratio([WANDERING], [WANDERING]) == pytest.approx(1)


def test_pearson_is_numpys() -> None:
    assert pearson(WANDERING[:, 0], WANDERING[:, 1]) == pytest.approx(np.corrcoef(WANDERING[:, 0], WANDERING[:, 1])[0, 1])


def test_a_flat_curve_has_no_correlation() -> None:
    assert np.isnan(pearson(np.ones(10), np.arange(10.0)))
    assert np.isnan(pearson(np.zeros(0), np.zeros(0)))


def test_the_longer_curve_is_cut_at_its_end() -> None:
    assert pearson(WANDERING[:50, 0], WANDERING[:, 0]) == pytest.approx(1)


@pytest.mark.parametrize("lag", [-4, 0, 3])
def test_a_delayed_curve_is_found_at_its_lag(lag: int) -> None:
    noise = RNG.standard_normal(300)
    curve = np.roll(noise, lag)

    assert best_lag(curve[10:-10], noise[10:-10], 6)[0] == lag


def test_jitter_of_a_parabola_is_its_curvature() -> None:
    time = np.arange(20.0)

    assert jitter(np.column_stack([1.5 * time**2, 2 * time**2, time])) == pytest.approx(5)  # (3, 4, 0)
    assert np.isnan(jitter(np.zeros((2, 3))))


def test_jitter_grows_with_noise() -> None:
    smooth = np.sin(np.arange(300) / 10)[:, None]
    noisy = smooth + 0.1 * RNG.standard_normal(smooth.shape)

    assert jitter_ratio([noisy], [smooth]) > 5
    assert jitter_ratio([smooth, smooth], [noisy]) < 0.2


def test_range_counts_values_and_the_worst_excess() -> None:
    sequence = np.array([[0.0, 0.0], [1.0, 5.0], [2.0, 11.0], [3.0, 10.0]])
    lowest, highest = np.array([0.0, 0.0]), np.array([2.0, 10.0])

    assert range_share(sequence, lowest, highest) == pytest.approx(6 / 8)
    assert largest_excess(sequence, lowest, highest) == pytest.approx(0.5)
    assert largest_excess(sequence[:2], lowest, highest) == 0


def test_a_sequence_about_one_place_does_not_drift() -> None:
    noise = RNG.standard_normal((4000, 3))

    assert drift(noise, np.ones(3)) < 0.1


def test_a_drifted_sequence_is_found() -> None:
    ramp = np.linspace(0, 1, 4000)[:, None] * np.ones(3)

    assert drift(ramp, np.ones(3)) == pytest.approx(0.75, abs=1e-3)
    assert drift(ramp * 0.1 + RNG.standard_normal((4000, 3)), np.array([1e-3] * 3)) > 10


def test_drift_needs_quarters() -> None:
    with pytest.raises(ValueError, match="4 frames"):
        drift(np.zeros((3, 2)), np.ones(2))
