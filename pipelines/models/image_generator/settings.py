"""Sizes and variants of the image generator's networks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

# Numbers of one frame's motion: 64 of expression (beta), 6 of pose (rho).
COEFFICIENT_COUNT = 70


class Variant(StrEnum):
    """The rows of the paper's ablation; each has what the one before has, and a part more (W, phi, M: cross-attention, C: codes)."""

    BASELINE = "B"
    WARPED = "B+W"
    FUSED = "B+W+phi"
    ATTENDED = "B+W+phi+M"
    FULL = "full"

    def has(self, part: Variant) -> bool:
        """Say whether the part that `part` adds is in this variant."""
        order = list(Variant)
        return order.index(self) >= order.index(part)


class CodeQuery(StrEnum):
    """What the predicted probabilities of codes become.

    HARD: the likeliest code; its gradient is that of SOFT. SOFT: the mean of all codes by their probability.
    """

    HARD = "hard"
    SOFT = "soft"


@dataclass(frozen=True)
class MappingSettings:
    """The mapping network: window -> motion descriptor.

    Attributes:
        first_kernel: frames under the first convolution, odd.
        layers: further convolutions over 3 frames.
        dilation: distance of those frames.
        pooled: frames that are left at the end and averaged.
        width: numbers of the descriptor.
    """

    first_kernel: int
    layers: int
    dilation: int
    pooled: int
    width: int

    @property
    def window(self) -> int:
        """Frames that one descriptor is made of, the described one in the middle."""
        return self.first_kernel - 1 + self.layers * 2 * self.dilation + self.pooled


@dataclass(frozen=True)
class WarpSettings:
    """The warping network: squares of `shuffle` pixels are a place of the finest map; `widths` of its levels, finest first."""

    shuffle: int
    widths: tuple[int, ...]


@dataclass(frozen=True)
class TransformerSettings:
    """The transformer that predicts codes."""

    layers: int
    width: int
    heads: int
    hidden: int


@dataclass(frozen=True)
class GeneratorSettings:
    """Sizes and choices of the generator.

    Attributes:
        mapping, warp, transformer: the parts.
        fusion_width: channels inside the fusion network phi.
        attention_heads: heads of the cross-attention.
        variant: how much of it there is.
        bootstrap: the warp starts from a motion field of the face model, and its masks guide E_w; otherwise the motion is learned
            from the coefficients alone, as in the paper.
        relative_motion: the mapping network sees besides the coefficients their differences from the portrait's.
        code_query: how codes come from probabilities.
        surroundings_px: how much of the picture around a portrait is given with it, at each side; it is what comes into view when the
            portrait moves. 0: what comes in repeats the portrait's edge.
        blend: the generated picture is blended with the warped portrait by a learned mask; not in the paper.
    """

    mapping: MappingSettings
    warp: WarpSettings
    transformer: TransformerSettings
    fusion_width: int
    attention_heads: int
    variant: Variant = Variant.FULL
    bootstrap: bool = False
    relative_motion: bool = False
    code_query: CodeQuery = CodeQuery.HARD
    surroundings_px: int = 0
    blend: bool = False

    def __post_init__(self) -> None:
        if (self.bootstrap or self.blend) and not self.variant.has(Variant.WARPED):
            raise ValueError(f"variant {self.variant} has no warp: switch bootstrap and blend off, found {self.bootstrap} and {self.blend}")
