"""Fusion of what was warped (z_w) with what the portrait's codes say (z_c): the network phi and the cross-attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipelines.models.image_codebook.blocks import ResidualBlock, as_map, as_tokens, attend, convolution, pointwise


class FusionNetwork(nn.Module):
    """phi: z_f = z_w + a correction, computed from z_w and z_c side by side; the correction is zero at first."""

    def __init__(self, code_width: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            convolution(2 * code_width, width),
            ResidualBlock(width),
            ResidualBlock(width),
            nn.ReLU(),
            pointwise(width, code_width, gain=0.0),
        )

    def forward(self, warped: Tensor, codes: Tensor) -> Tensor:
        """Return z_f; all maps are (batch, d, m, m)."""
        change: Tensor = self.layers(torch.cat([warped, codes], dim=1))
        return warped + change


class CrossAttention(nn.Module):
    """Multi-head cross-attention: queries from z_f, keys and values from the portrait's codes z_c, added to z_f.

    Every place of the new frame asks the whole portrait for texture. Places are told apart by learned positions. After
    RestoreFormer (Wang et al. 2022), whose queries come from the degraded picture and whose keys and values from the dictionary.
    """

    def __init__(self, code_width: int, heads: int, latent_size: int) -> None:
        super().__init__()
        self.heads = heads
        self.query_norm, self.key_norm = nn.LayerNorm(code_width), nn.LayerNorm(code_width)
        self.query_places = nn.Parameter(torch.randn(latent_size**2, code_width) * 0.1)
        self.key_places = nn.Parameter(torch.randn(latent_size**2, code_width) * 0.1)
        self.query, self.key = nn.Linear(code_width, code_width), nn.Linear(code_width, code_width)
        self.value, self.out = nn.Linear(code_width, code_width), nn.Linear(code_width, code_width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Tensor, codes: Tensor) -> Tensor:
        """Return features of the same shape (batch, d, m, m)."""
        asking, asked = self.query_norm(as_tokens(features)), self.key_norm(as_tokens(codes))
        queries, keys = self.query(asking + self.query_places), self.key(asked + self.key_places)
        found: Tensor = self.out(attend(queries, keys, self.value(asked), self.heads))
        return features + as_map(found, features.shape[-1])
