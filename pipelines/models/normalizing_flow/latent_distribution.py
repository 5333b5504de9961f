"""The base distribution of a flow: a joint multivariate Student-t, or a Gaussian, around a fixed mean for each emotion (paper, Eq. 7-9)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pipelines.models.normalizing_flow.flow_config import CoefficientFlowConfig


def student_t_log_density(offset: Tensor, degrees_of_freedom: float) -> Tensor:
    """Return log t_nu(offset | 0, I) in nats, shape (...), of `offset` (..., D): one joint radius, not a product over dimensions."""
    size, nu = offset.shape[-1], degrees_of_freedom
    constant = math.lgamma((nu + size) / 2) - math.lgamma(nu / 2) - size / 2 * math.log(nu * math.pi)
    return constant - (nu + size) / 2 * torch.log1p(offset.square().sum(-1) / nu)


def gaussian_log_density(offset: Tensor) -> Tensor:
    """Return log N(offset | 0, I) in nats, shape (...), of `offset` (..., D)."""
    return -0.5 * (offset.square().sum(-1) + offset.shape[-1] * math.log(2 * math.pi))


class EmotionLatent(nn.Module):
    """p(z | emotion): identity scale around a mean that is drawn once from N(0, I) and then fixed.

    Weights between emotions mix the means linearly: half happy is centred halfway between neutral and happy.
    """

    means: Tensor

    def __init__(self, config: CoefficientFlowConfig) -> None:
        super().__init__()
        self.latent = config.latent
        self.degrees_of_freedom = config.degrees_of_freedom
        generator = torch.Generator().manual_seed(config.seed)
        means = torch.randn(config.emotions, config.features, generator=generator) * config.latent_mean_scale
        self.register_buffer("means", means)

    def mean(self, emotion: Tensor) -> Tensor:
        """Return the centre (N, F) for emotion weights (N, E)."""
        return emotion @ self.means

    def log_density(self, z: Tensor, emotion: Tensor) -> Tensor:
        """Return log p(z | emotion), shape (N,), nats, of z (N, F) and emotion weights (N, E)."""
        return self._log_density(z - self.mean(emotion))

    def log_densities(self, z: Tensor) -> Tensor:
        """Return log p(z | e) for every class e, shape (N, E), nats, of z (N, F)."""
        return self._log_density(z[:, None] - self.means)

    def log_mixture(self, z: Tensor) -> Tensor:
        """Return log p(z) of the mixture with equal shares (paper, Eq. 8), shape (N,), nats, of z (N, F)."""
        return torch.logsumexp(self.log_densities(z), dim=-1) - math.log(self.means.shape[0])

    def _log_density(self, offset: Tensor) -> Tensor:
        if self.latent == "student_t":
            return student_t_log_density(offset, self.degrees_of_freedom)
        return gaussian_log_density(offset)

    def noise(self, count: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Return (count, F) float32 draws around zero on the CPU: normal, for Student-t divided by sqrt(chi2 / nu) of one chi2 a row.

        Add `mean(emotion)` for a latent code. `generator` must be a CPU generator; None is torch's own.
        """
        normal = torch.randn(count, self.means.shape[1], generator=generator)
        if self.latent == "gaussian":
            return normal
        # No public function of torch draws gamma variates from a given generator.
        chi2 = 2 * torch._standard_gamma(torch.full((count, 1), self.degrees_of_freedom / 2), generator=generator)  # noqa: SLF001
        return normal / (chi2 / self.degrees_of_freedom).sqrt()
