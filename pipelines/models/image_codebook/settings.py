"""Sizes of the texture codebook's networks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PyramidSettings:
    """One side of the autoencoder: how picture and latents hang together.

    Attributes:
        shuffle: squares of shuffle x shuffle pixels become channels (encoder) or come from them (decoder), a power of two; the
            finest convolutions run at size / shuffle.
        widths: channels of each level, finest first; each level has half the side of the one before.
        blocks: residual blocks of each level.
    """

    shuffle: int
    widths: tuple[int, ...]
    blocks: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.blocks) or not self.widths:
            raise ValueError(f"a pyramid needs as many block counts as widths, found widths {self.widths} and blocks {self.blocks}")

    @property
    def reduction(self) -> int:
        """How many pixels of the picture's side one latent stands for."""
        return self.shuffle << (len(self.widths) - 1)


@dataclass(frozen=True)
class CodebookSettings:
    """Sizes of the codebook.

    Attributes:
        size_px: side of the square pictures.
        code_count: N, how many codes there are.
        code_width: d, numbers in a code.
        encoder, decoder: the two sides; both must lead to latents of one size.
        attention_heads: heads of the self-attention at the latents; 0 for none.
        discriminator_width: channels of the patch discriminator's first layer.
    """

    size_px: int
    code_count: int
    code_width: int
    encoder: PyramidSettings
    decoder: PyramidSettings
    attention_heads: int = 0
    discriminator_width: int = 64

    def __post_init__(self) -> None:
        if self.encoder.reduction != self.decoder.reduction:
            raise ValueError(f"the encoder reduces by {self.encoder.reduction}, the decoder enlarges by {self.decoder.reduction}")
        if self.size_px % self.encoder.reduction:
            raise ValueError(f"pictures of {self.size_px} px do not divide into latents of {self.encoder.reduction} px")

    @property
    def latent_size(self) -> int:
        """Side of the square of latents: m = n."""
        return self.size_px // self.encoder.reduction
