"""The warping network W: a portrait and a motion descriptor become a motion field, and the portrait is sampled by it."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.models import motion_field
from pipelines.models.image_codebook.blocks import ChannelNorm, Doubling, Halving, convolution
from pipelines.models.image_codebook.encoder import Stem
from pipelines.models.image_generator.adaptive_norm import AdaptiveNorm
from pipelines.models.image_generator.settings import WarpSettings
from pipelines.models.motion_field import MotionFields


class WarpingNetwork(nn.Module):
    """An hourglass whose first half sees the portrait alone (once) and whose second half is steered by the descriptor (each frame).

    Motion is in pixels, from each pixel to where the portrait is sampled, as in `motion_field`. The last convolution is zero at
    first: then there is no motion but that which is given, and without it the warp is exactly the identity. Sampling takes pixel
    centres at whole numbers plus a half (align_corners false) on both sides, so zero motion hits centres exactly.

    Reference: after PIRenderer's warping network; narrower, and its portrait half does not depend on the motion.
    """

    def __init__(self, settings: WarpSettings, descriptor_width: int) -> None:
        super().__init__()
        widths = settings.widths
        self.stem = Stem(3, widths[0], settings.shuffle)
        self.down = nn.ModuleList(_PortraitLevel(inputs, outputs) for inputs, outputs in pairwise(widths))
        self.up = nn.ModuleList(_MotionLevel(width, descriptor_width) for width in reversed(widths))
        self.steps = nn.ModuleList(Doubling(inputs, outputs) for outputs, inputs in reversed(list(pairwise(widths))))
        self.last = convolution(widths[0], 2, gain=0.0)

    def encode(self, portraits: Tensor) -> tuple[Tensor, ...]:
        """Return maps of portraits (batch, 3, size, size), coarsest first."""
        maps: list[Tensor] = [self.stem(portraits)]
        for level in self.down:
            maps.append(level(maps[-1]))
        return tuple(reversed(maps))

    def forward(self, maps: tuple[Tensor, ...], descriptor: Tensor, size_px: int) -> Tensor:
        """Return learned motion (batch, 2, size_px, size_px) in pixels, float32."""
        features = self.up[0](maps[0], descriptor)
        for step, level, portrait in zip(self.steps, self.up[1:], maps[1:], strict=True):
            features = level(step(features) + portrait, descriptor)
        # An eighth of the picture is one unit, so that weights of usual size make motions of usual size.
        motion: Tensor = self.last(functional.leaky_relu(features, 0.1)).float() * (size_px / 8)
        return functional.interpolate(motion, size=(size_px, size_px), mode="bilinear", align_corners=False)


class _PortraitLevel(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.step, self.norm, self.mix = Halving(inputs, outputs), ChannelNorm(outputs), convolution(outputs, outputs)

    def forward(self, features: Tensor) -> Tensor:
        halved: Tensor = self.step(features)
        change: Tensor = self.mix(functional.relu(self.norm(halved)))
        return halved + change


class _MotionLevel(nn.Module):
    def __init__(self, width: int, descriptor_width: int) -> None:
        super().__init__()
        self.norm, self.adapt, self.mix = ChannelNorm(width), AdaptiveNorm(width, descriptor_width), convolution(width, width)
        # Nothing here must be the identity at first, and the descriptor is to count from the first step.
        nn.init.normal_(self.adapt.change.weight, std=descriptor_width**-0.5)

    def forward(self, features: Tensor, descriptor: Tensor) -> Tensor:
        change: Tensor = self.mix(functional.relu(self.adapt(self.norm(features), descriptor)))
        return features + change


def sample(portraits: Tensor, motion: Tensor) -> Tensor:
    """Return portraits sampled bilinearly at each pixel plus motion (batch, 2, size, size) in pixels; see `motion_field.warp`.

    Places are computed in float32 whatever the portraits are: bf16 has too few digits for them.
    """
    with torch.autocast(portraits.device.type, enabled=False):
        return motion_field.warp(portraits.float(), motion.float()).to(portraits.dtype)


def fitted(fields: MotionFields, size_px: int) -> MotionFields:
    """Return motion fields of pictures of another size, so that they may be drawn coarser than the pictures are generated."""
    if fields.motion.shape[-1] == size_px:
        return fields
    factor = size_px / fields.motion.shape[-1]
    motion = functional.interpolate(fields.motion * factor, size=(size_px, size_px), mode="bilinear", align_corners=False)
    masks = (functional.interpolate(mask[:, None].float(), size=(size_px, size_px))[:, 0].bool() for mask in fields[1:])
    return MotionFields(motion, *masks)


def guide_of(fields: MotionFields, dtype: torch.dtype) -> Tensor:
    """Return (batch, 2, size, size) of 0 and 1: where the target face is, and where the portrait shows it."""
    return torch.stack([fields.covered, fields.visible], dim=1).to(dtype)
