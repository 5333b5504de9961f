from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from pipelines.video_evaluation.frechet import FeatureMoments, frechet_distance, gaussian_frechet


def moments(features: np.ndarray, batch: int = 7) -> FeatureMoments:
    found = FeatureMoments(features.shape[1])
    for start in range(0, len(features), batch):
        found.add(features[start : start + batch])
    return found


def test_normal_distributions_with_known_distance() -> None:
    # Where covariances commute: |m1 - m2|^2 + sum of (s1 - s2)^2 over the standard deviations.
    first, second = np.array([1.0, 4.0, 9.0]), np.array([4.0, 4.0, 1.0])

    assert gaussian_frechet(np.zeros(3), np.diag(first), np.array([1.0, 2.0, 2.0]), np.diag(second)) == pytest.approx(9 + 1 + 0 + 4)


def test_any_covariances_against_a_matrix_square_root() -> None:
    random = np.random.default_rng(0)
    mixing = [random.normal(size=(6, 6)) for _ in range(2)]
    covariances = [matrix @ matrix.T for matrix in mixing]
    means = random.normal(size=(2, 6))
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = float(((means[0] - means[1]) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root))

    assert gaussian_frechet(means[0], covariances[0], means[1], covariances[1]) == pytest.approx(expected, rel=1e-9)


def test_gaussian_features_have_the_closed_form() -> None:
    random = np.random.default_rng(1)
    deviations = np.array([1.0, 2.0, 0.5, 3.0])
    first = random.normal(size=(40_000, 4)) * deviations
    second = random.normal(size=(40_000, 4)) * deviations[::-1] + np.array([1.0, 0.0, -1.0, 0.5])
    expected = 2.25 + ((deviations - deviations[::-1]) ** 2).sum()

    assert frechet_distance(moments(first, 5000), moments(second, 5000)) == pytest.approx(expected, rel=0.02)


def test_batches_add_up_to_mean_and_covariance() -> None:
    features = np.random.default_rng(2).normal(3, 2, (50, 5))
    found = moments(features)

    assert found.mean == pytest.approx(features.mean(axis=0))
    assert found.covariance == pytest.approx(np.cov(features.T))


def test_equal_sets_have_distance_zero_even_with_fewer_samples_than_features() -> None:
    features = np.random.default_rng(3).normal(size=(10, 64))

    assert frechet_distance(moments(features), moments(features)) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(moments(features[:1]), moments(features)) is None
