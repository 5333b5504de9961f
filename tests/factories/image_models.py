"""Image networks small enough for tests, with all their parts, and input for them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from pipelines.models.image_codebook.codebook import ImageCodebook
from pipelines.models.image_codebook.settings import CodebookSettings, PyramidSettings
from pipelines.models.image_generator.generator import ImageGenerator
from pipelines.models.image_generator.settings import GeneratorSettings, MappingSettings, TransformerSettings, Variant, WarpSettings
from pipelines.models.motion_field import MotionFields

# Networks of this size are slower on several threads than on one.
torch.set_num_threads(1)

SIZE_PX = 32
CODEBOOK = CodebookSettings(
    size_px=SIZE_PX,
    code_count=24,
    code_width=16,
    encoder=PyramidSettings(shuffle=4, widths=(16, 24), blocks=(1, 1)),
    decoder=PyramidSettings(shuffle=2, widths=(8, 16, 24), blocks=(1, 1, 1)),
    attention_heads=2,
    discriminator_width=8,
)
GENERATOR = GeneratorSettings(
    mapping=MappingSettings(first_kernel=3, layers=1, dilation=2, pooled=1, width=12),
    warp=WarpSettings(shuffle=4, widths=(8, 16)),
    transformer=TransformerSettings(layers=2, width=16, heads=2, hidden=24),
    fusion_width=16,
    attention_heads=2,
    bootstrap=True,
    relative_motion=True,
    blend=True,
)


def variant_settings(variant: Variant) -> GeneratorSettings:
    """Return settings of a row of the ablation, with everything else that it can have."""
    return replace(GENERATOR, variant=variant, bootstrap=variant.has(Variant.WARPED), blend=variant.has(Variant.WARPED))


def small_codebook(seed: int = 0) -> ImageCodebook:
    """Return a codebook with random weights whose codes are latents of random pictures."""
    torch.manual_seed(seed)
    codebook = ImageCodebook(CODEBOOK)
    with torch.no_grad():
        codebook.quantiser.initialise(codebook.encoder(pictures(8, seed)), torch.Generator().manual_seed(seed))
    return codebook


def small_generator(settings: GeneratorSettings = GENERATOR, seed: int = 0) -> ImageGenerator:
    """Return a generator as it is before training."""
    codebook = small_codebook(seed)
    torch.manual_seed(seed + 1)
    return ImageGenerator(settings, codebook)


def disturbed(module: nn.Module, seed: int = 0, stddev: float = 0.05) -> nn.Module:
    """Add noise to all parameters, so that none is zero as some are before training."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=stddev)
    return module


def pictures(count: int, seed: int = 0, size_px: int = SIZE_PX) -> Tensor:
    """Return smooth random pictures (count, 3, size, size) in -1..1."""
    coarse = torch.rand(count, 3, 5, 5, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return nn.functional.interpolate(coarse, size=(size_px, size_px), mode="bilinear", align_corners=True)


def coefficients(count: int, frames: int, seed: int = 0) -> Tensor:
    """Return (count, frames, 70) of random (beta, rho)."""
    return torch.randn(count, frames, 70, generator=torch.Generator().manual_seed(seed))


def motion_fields(count: int, seed: int = 0, size_px: int = SIZE_PX) -> MotionFields:
    """Return smooth motion of a pixel or so, with masks."""
    motion = pictures(count, seed, size_px)[:, :2] * 2
    masks = pictures(count, seed + 1, size_px)[:, :2] > 0
    return MotionFields(motion, masks[:, 0], masks[:, 0] & masks[:, 1], masks[:, 0])


def no_motion(count: int, size_px: int = SIZE_PX) -> MotionFields:
    """Return fields of a face that did not move and is seen everywhere."""
    everywhere = torch.ones(count, size_px, size_px, dtype=torch.bool)
    return MotionFields(torch.zeros(count, 2, size_px, size_px), everywhere, everywhere, everywhere)
