from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from pipelines.models.normalizing_flow.flow_config import CoefficientFlowConfig
from pipelines.models.normalizing_flow.latent_distribution import EmotionLatent, gaussian_log_density, student_t_log_density


def latent(kind: str, features: int = 5, nu: float = 50.0, scale: float = 1.0) -> EmotionLatent:
    config = CoefficientFlowConfig(features=features, emotions=3, latent=kind, degrees_of_freedom=nu, latent_mean_scale=scale)  # type: ignore[arg-type]
    return EmotionLatent(config)


@pytest.mark.parametrize("nu", [1.0, 5.0, 50.0])
@pytest.mark.parametrize("size", [1, 6, 64])
def test_the_multivariate_t_is_that_of_scipy(size: int, nu: float) -> None:
    points = np.random.default_rng(0).normal(0, 3, (20, size))

    expected = stats.multivariate_t(np.zeros(size), np.eye(size), df=nu).logpdf(points)

    assert student_t_log_density(torch.tensor(points), nu).numpy() == pytest.approx(expected, rel=1e-10)


def test_the_gaussian_is_that_of_scipy() -> None:
    points = np.random.default_rng(0).normal(0, 3, (20, 6))

    assert gaussian_log_density(torch.tensor(points)).numpy() == pytest.approx(stats.multivariate_normal(np.zeros(6)).logpdf(points))


@pytest.mark.parametrize("kind", ["student_t", "gaussian"])
def test_each_emotion_has_a_mean_of_its_own_and_a_mixture_one_between(kind: str) -> None:
    base = latent(kind)
    assert torch.cdist(base.means, base.means).topk(2, largest=False).values[:, 1].min() > 0.5

    half = torch.tensor([[0.5, 0.5, 0.0]])

    assert torch.allclose(base.mean(half), base.means[:2].mean(0, keepdim=True))
    assert base.log_density(base.mean(half), half) == pytest.approx(base.log_density(base.means[:1], torch.eye(3)[:1]))


def test_the_mixture_has_equal_shares() -> None:
    base = latent("student_t")
    z = torch.randn(7, 5)
    densities = np.stack([stats.multivariate_t(mean.numpy(), np.eye(5), df=50).pdf(z.numpy()) for mean in base.means])

    assert base.log_mixture(z).exp().numpy() == pytest.approx(densities.mean(0), rel=1e-4)
    assert torch.allclose(base.log_densities(z)[:, 1], base.log_density(z, torch.eye(3)[1].expand(7, -1)))


def test_means_depend_on_the_seed_alone_and_vanish_for_a_plain_base() -> None:
    torch.manual_seed(5)
    first = latent("student_t").means
    torch.manual_seed(6)

    assert torch.equal(latent("student_t").means, first)
    assert not latent("gaussian", scale=0.0).means.any()


@pytest.mark.parametrize(("kind", "variance"), [("student_t", 6 / 4), ("gaussian", 1.0)])
def test_noise_has_the_spread_of_the_density(kind: str, variance: float) -> None:
    base = latent(kind, nu=6.0)
    noise = base.noise(40_000, generator=torch.Generator().manual_seed(1))

    assert noise.dtype == torch.float32
    assert noise.mean(0).abs().max() < 0.03
    assert np.cov(noise.numpy().T) == pytest.approx(variance * np.eye(5), abs=0.08)
    entropy = -base.log_density(noise, torch.zeros(1, 3)).mean().item()
    expected = stats.multivariate_t(np.zeros(5), np.eye(5), df=6).entropy() if kind == "student_t" else 2.5 * math.log(2 * math.pi * math.e)
    assert entropy == pytest.approx(expected, abs=0.03)


def test_noise_of_a_student_t_has_one_radius_a_row() -> None:
    squares = latent("student_t", features=64, nu=4.0).noise(4000, generator=torch.Generator().manual_seed(2)).square()

    assert np.corrcoef(squares[:, :32].sum(1).log(), squares[:, 32:].sum(1).log())[0, 1] > 0.7


def test_noise_of_a_seed_is_the_same_again() -> None:
    draws = [latent("student_t").noise(3, generator=torch.Generator().manual_seed(3)) for _ in range(2)]

    assert torch.equal(*draws)
