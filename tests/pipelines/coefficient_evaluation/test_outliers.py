from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi

from pipelines.coefficient_evaluation.outliers import typical_region

RNG = np.random.default_rng(0)
MIXING = RNG.standard_normal((5, 5)) * [10, 1, 1, 1, 0.01]
TRAINING = RNG.standard_normal((40_000, 5)) @ MIXING + 7


def test_the_radius_is_that_of_the_normal_distribution() -> None:
    assert typical_region(TRAINING).radius == pytest.approx(chi(5).ppf(0.999), rel=0.03)


def test_one_in_a_thousand_frames_of_the_same_kind_is_outside() -> None:
    assert typical_region(TRAINING).outlier_share(RNG.standard_normal((40_000, 5)) @ MIXING + 7) == pytest.approx(0.001, abs=0.0006)


def test_fat_tails_and_broken_numbers_are_found() -> None:
    region = typical_region(TRAINING)
    samples = RNG.standard_normal((10, 5)) @ MIXING * [[1]] * 6 + 7
    samples[0] = np.nan

    assert region.outlier_share(samples) > 0.7


def test_a_direction_that_never_varies_is_no_trouble() -> None:
    flat = TRAINING.copy()
    flat[:, 2] = 1

    assert np.isfinite(typical_region(flat).distances(flat)).all()
