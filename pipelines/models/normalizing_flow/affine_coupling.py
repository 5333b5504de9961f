"""Affine coupling whose shift and scale come from a transformer block over one half and the context (paper, Eq. 5)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.models.normalizing_flow.attention_block import TokenBlock

# MoGlow's bounds: scale = sigmoid(s + 2) + 1e-6 begins near 0.88 and can neither vanish nor explode.
SCALE_OFFSET = 2.0
SMALLEST_SCALE = 1e-6


class AffineCoupling(nn.Module):
    """[a, b] -> [a, (b + shift) * scale] with shift and scale functions of a and the context.

    The token is a projection of `a` and of the context's summary; it attends to the context's memory. The last layer
    starts at zero, so every coupling starts with shift 0 and scale sigmoid(2).
    """

    def __init__(self, features: int, width: int, heads: int, feed_forward: int) -> None:
        super().__init__()
        self.kept = features // 2
        self.enter = nn.Linear(self.kept, width, bias=False)
        self.block = TokenBlock(width, heads, feed_forward)
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, 2 * (features - self.kept))
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, h: Tensor, summary: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return (h', log|det|) of h (N, F): shapes (N, F) and (N,). See `shift_and_scale` for the rest."""
        shift, raw_scale = self.shift_and_scale(h[:, : self.kept], summary, keys, values)
        scale = torch.sigmoid(raw_scale) + SMALLEST_SCALE
        moved = (h[:, self.kept :] + shift) * scale
        return torch.cat([h[:, : self.kept], moved], dim=1), scale.log().sum(1)

    def inverse(self, h: Tensor, summary: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Return what `forward` maps to h (N, F)."""
        shift, raw_scale = self.shift_and_scale(h[:, : self.kept], summary, keys, values)
        scale = torch.sigmoid(raw_scale) + SMALLEST_SCALE
        return torch.cat([h[:, : self.kept], h[:, self.kept :] / scale - shift], dim=1)

    def shift_and_scale(self, kept: Tensor, summary: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return shift and the scale before its sigmoid, each (N, F - F // 2).

        Args:
            kept: (N, F // 2), the half that stays.
            summary: (N, W), what this coupling takes from the context's summary.
            keys: (N, M, W) of the context's memory.
            values: likewise.
        """
        token = self.block(functional.linear(kept, self.enter.weight) + summary, keys, values)
        shift, raw_scale = self.leave(self.norm(token)).chunk(2, dim=1)
        return shift, raw_scale + SCALE_OFFSET
