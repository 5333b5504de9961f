"""The mapping network: face coefficients of a few frames become the motion descriptor sigma of the middle one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.models.image_generator.settings import COEFFICIENT_COUNT, MappingSettings


class MappingNetwork(nn.Module):
    """Windows (batch, frames, 70) of (beta, rho) become descriptors (batch, width).

    Coefficients are normalised by statistics of the training clips, which `set_statistics` sets and the state dict keeps.

    Reference: Ren et al. 2021 (PIRenderer): a convolution, dilated convolutions over time with cropped shortcuts, an average.
    """

    mean: Tensor
    stddev: Tensor

    def __init__(self, settings: MappingSettings, *, relative: bool) -> None:
        super().__init__()
        self.settings, self.relative = settings, relative
        inputs = COEFFICIENT_COUNT * (2 if relative else 1)
        self.first = nn.Conv1d(inputs, settings.width, settings.first_kernel)
        self.layers = nn.ModuleList(
            nn.Conv1d(settings.width, settings.width, 3, dilation=settings.dilation) for _ in range(settings.layers)
        )
        self.register_buffer("mean", torch.zeros(COEFFICIENT_COUNT))
        self.register_buffer("stddev", torch.ones(COEFFICIENT_COUNT))

    @torch.no_grad()
    def set_statistics(self, mean: Tensor, stddev: Tensor) -> None:
        """Set mean and standard deviation (70,) of the training clips' coefficients; those that never change count as 1."""
        self.mean.copy_(mean)
        self.stddev.copy_(torch.where(stddev > 0, stddev, torch.ones_like(stddev)))

    def forward(self, windows: Tensor, portrait: Tensor | None) -> Tensor:
        """Return sigma; the portrait's coefficients (batch, 70) are needed where the motion is to be relative."""
        values = (windows - self.mean) / self.stddev
        if self.relative:
            if portrait is None:
                raise ValueError("relative motion needs the coefficients of the portrait, found None: give them to encode_portrait")
            values = torch.cat([values, (windows - portrait[:, None]) / self.stddev], dim=-1)
        features: Tensor = self.first(values.to(self.first.weight.dtype).transpose(1, 2))
        crop = self.settings.dilation
        for layer in self.layers:
            features = layer(functional.leaky_relu(features, 0.1)) + features[..., crop:-crop]
        return functional.leaky_relu(features.mean(dim=-1), 0.1)


def windows_of(coefficients: Tensor, window: int) -> Tensor:
    """Return (frames, window, 70): around each of the frames (frames, 70) of a clip; beyond its ends the end frames are repeated."""
    half = window // 2
    places = torch.arange(len(coefficients), device=coefficients.device)[:, None] + torch.arange(
        -half, window - half, device=coefficients.device
    )
    return coefficients[places.clamp(0, len(coefficients) - 1)]
