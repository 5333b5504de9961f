from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipelines.generation.random_streams import Stream
from pipelines.generation.temporal_prior import LatentNoise, TemporalPrior

STREAMS = (Stream.EXPRESSION, Stream.EXPRESSION_TAILS)


def noise(prior: TemporalPrior, frames: int, *, degrees: float | None = None, seed: int = 0, features: int = 8) -> np.ndarray:
    return LatentNoise(features, degrees, prior, (seed, 0), STREAMS).draw(frames)


@pytest.mark.parametrize("prior", [TemporalPrior(0.0, 1.0), TemporalPrior(0.9, 0.0), TemporalPrior(0.95, 0.3)])
def test_each_frame_is_standard_normal_whatever_the_correlation(prior: TemporalPrior) -> None:
    drawn = np.concatenate([noise(prior, 3, seed=seed) for seed in range(1500)])

    assert stats.kstest(drawn.ravel()[::5], "norm").pvalue > 0.001
    assert drawn.std() == pytest.approx(1.0, abs=0.02)


def test_each_frame_is_a_joint_student_t_whatever_the_correlation() -> None:
    drawn = np.stack([noise(TemporalPrior(0.95, 0.3), 4, degrees=6.0, seed=seed)[3] for seed in range(3000)])

    # The squared radius of a joint t over its dimensions follows an F distribution.
    assert stats.kstest((drawn**2).mean(axis=1), stats.f(8, 6.0).cdf).pvalue > 0.001


@pytest.mark.parametrize(
    ("prior", "expected"), [(TemporalPrior(0.9, 0.0), 0.9), (TemporalPrior(0.9, 0.5), 0.45), (TemporalPrior(0.0, 1.0), 0.0)]
)
def test_the_correlation_is_as_asked_for(prior: TemporalPrior, expected: float) -> None:
    drawn = noise(prior, 20000)

    assert (drawn[1:] * drawn[:-1]).mean() == pytest.approx(expected, abs=0.04)


def test_the_pieces_make_no_difference() -> None:
    whole = noise(TemporalPrior(), 50, degrees=50.0)
    source = LatentNoise(8, 50.0, TemporalPrior(), (0, 0), STREAMS)

    np.testing.assert_allclose(np.concatenate([source.draw(count) for count in (1, 0, 30, 19)]), whole, atol=1e-12)


def test_items_are_independent() -> None:
    drawn = np.stack([noise(TemporalPrior(0.0, 1.0), 2000, seed=seed)[:, 0] for seed in range(5)])

    assert np.abs(np.corrcoef(drawn) - np.eye(5)).max() < 0.08


def test_priors_that_make_no_sense_are_refused() -> None:
    for correlation, share in ((1.0, 0.5), (-0.1, 0.5), (0.5, 1.1)):
        with pytest.raises(ValueError, match="correlation"):
            TemporalPrior(correlation, share)
