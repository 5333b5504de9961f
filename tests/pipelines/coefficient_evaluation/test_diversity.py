from __future__ import annotations

import numpy as np
import pytest

from pipelines.coefficient_evaluation.diversity import mean_spread_ratio, natural_spread, pooled_spread_ratio, seed_variance

RNG = np.random.default_rng(1)
STDDEV = np.array([3.0, 1.0, 0.1])


def test_independent_draws_of_the_natural_distribution_have_a_ratio_of_one() -> None:
    variances = [seed_variance(RNG.standard_normal((5, 2000, 3)) * STDDEV) for _ in range(4)]

    assert pooled_spread_ratio(variances, STDDEV) == pytest.approx(1, abs=0.02)
    assert mean_spread_ratio(variances, STDDEV) == pytest.approx(1, abs=0.02)


def test_equal_samples_have_no_spread() -> None:
    one = RNG.standard_normal((1, 50, 3))

    assert pooled_spread_ratio([seed_variance(np.repeat(one, 4, axis=0))], STDDEV) == pytest.approx(0)


def test_features_are_pooled_by_size_or_meaned() -> None:
    variance = np.array([9.0, 0.0, 0.0])

    assert pooled_spread_ratio([variance], STDDEV) == pytest.approx(np.sqrt(9 / 10.01))
    assert mean_spread_ratio([variance], STDDEV) == pytest.approx(1 / 3)


def test_one_seed_has_no_variance() -> None:
    with pytest.raises(ValueError, match="two or more"):
        seed_variance(np.zeros((1, 5, 2)))


def test_the_spread_within_emotions_leaves_out_what_separates_them() -> None:
    happy, sad = RNG.standard_normal((500, 2)) + np.array([10, 0]), RNG.standard_normal((500, 2)) - np.array([10, 0])
    spread = natural_spread([happy, sad], ["happy", "sad"])

    np.testing.assert_allclose(spread.within, [1, 1], atol=0.1)
    np.testing.assert_allclose(spread.stddev, [10, 1], atol=0.2)
    assert (spread.lowest < spread.mean).all()
    assert spread.highest[0] == happy[:, 0].max()
