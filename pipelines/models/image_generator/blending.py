"""Blending of the generated picture with the warped portrait, where that is the better one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.models.image_codebook.blocks import ResidualBlock, convolution
from pipelines.models.image_codebook.encoder import Stem

_SHUFFLE = 4


class Blending(nn.Module):
    """A mask of 0..1 for each pixel, from both pictures: picture + mask * (warped - picture).

    Codes of 8 to 32 pixels' side cannot keep hair and skin as they are, and the warped portrait has them. What it has not (an open
    mouth, closed lids, what was hidden) comes from the codes. Not in the paper.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.stem = Stem(8, width, _SHUFFLE)
        self.block = ResidualBlock(width)
        self.last = convolution(width, _SHUFFLE**2, gain=0.1)
        nn.init.constant_(self.last.bias if self.last.bias is not None else self.last.weight, -1.0)

    def forward(self, pictures: Tensor, warped: Tensor, guide: Tensor | None) -> Tensor:
        """Return blended pictures (batch, 3, size, size); guide (batch, 2, size, size) or None for none."""
        seen = torch.zeros_like(pictures[:, :2]) if guide is None else guide
        hidden = self.block(self.stem(torch.cat([pictures, warped, seen], dim=1)))
        # Not a sigmoid: where early in training the warped portrait is better everywhere, that would close for good.
        mask = 0.5 + 0.5 * functional.softsign(functional.pixel_shuffle(self.last(functional.leaky_relu(hidden, 0.1)), _SHUFFLE))
        return torch.lerp(pictures.to(warped.dtype), warped, mask.to(warped.dtype))
