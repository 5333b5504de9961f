"""The image encoder E_h: a picture becomes a square of latents."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from pipelines.models.image_codebook.blocks import ChannelNorm, Halving, ResidualBlock, SelfAttention, convolution, pointwise
from pipelines.models.image_codebook.settings import CodebookSettings


class Encoder(nn.Module):
    """Pictures (batch, 3, size, size) in -1..1 become latents (batch, d, m, m).

    Attributes:
        stem: picture to the finest level's map.
        levels: one module a level, finest first; each but the first halves the side to begin with.
        head: the last level's map to latents.
    """

    def __init__(self, settings: CodebookSettings) -> None:
        super().__init__()
        side = settings.encoder
        self.stem = Stem(3, side.widths[0], side.shuffle)
        levels = []
        for number, (width, blocks) in enumerate(zip(side.widths, side.blocks, strict=True)):
            step = [Halving(side.widths[number - 1], width)] if number else []
            levels.append(nn.Sequential(*step, *(ResidualBlock(width) for _ in range(blocks))))
        if settings.attention_heads:
            levels[-1].append(SelfAttention(side.widths[-1], settings.attention_heads))
        self.levels = nn.ModuleList(levels)
        self.head = nn.Sequential(ChannelNorm(side.widths[-1]), pointwise(side.widths[-1], settings.code_width))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return z_h."""
        features: Tensor = self.stem(pictures)
        for level in self.levels:
            features = level(features)
        latents: Tensor = self.head(features)
        return latents


class Stem(nn.Module):
    """A picture's squares of pixels become channels, mixed by a 3x3 convolution at the lower resolution."""

    def __init__(self, channels: int, width: int, shuffle: int) -> None:
        super().__init__()
        self.shuffle = shuffle
        self.mix = convolution(channels * shuffle**2, width)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return (batch, width, size / shuffle, size / shuffle)."""
        mixed: Tensor = self.mix(functional.pixel_unshuffle(pictures, self.shuffle))
        return mixed
