"""Adaptive instance normalisation: the statistics of a feature map are moved by the motion descriptor."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AdaptiveNorm(nn.Module):
    """AdaIN (Huang and Belongie 2017) whose target statistics are the map's own, changed by the descriptor.

    With own mean mu and standard deviation s of each channel, the target has mean mu + s * b and deviation s * (1 + a), where
    (a, b) is linear in the descriptor. At first a = b = 0 and the map goes through as it is, so that a network that was trained
    without it can be given one.
    """

    def __init__(self, width: int, descriptor_width: int) -> None:
        super().__init__()
        self.change = nn.Linear(descriptor_width, 2 * width)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)

    def forward(self, features: Tensor, descriptor: Tensor) -> Tensor:
        """Return a map like features (batch, width, height, width of the map), of a descriptor (batch, descriptor width)."""
        scale, shift = self.change(descriptor)[..., None, None].chunk(2, dim=1)
        variance, mean = channel_statistics(features)
        # (1 + a) (x - mu) + mu + s b, ordered so that the whole map is read twice only.
        offset = torch.sqrt(variance + 1e-6) * shift - scale * mean
        return torch.addcmul(features + offset, features, scale)


def channel_statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return variance and mean (batch, width, 1, 1) over the places of each channel, in the type of the features.

    `torch.var_mean` does the same; on a processor it takes about six times as long in channels-last memory.
    """
    rows = features.permute(0, 2, 3, 1).flatten(1, 2)
    mean = rows.mean(dim=1, keepdim=True, dtype=torch.float32)
    variance = (rows - mean).square().mean(dim=1)
    return variance[..., None, None].to(features.dtype), mean[:, 0, :, None, None].to(features.dtype)
