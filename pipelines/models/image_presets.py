"""The sizes of the image networks by preset: tiny for two CPU cores and minutes, small for one GPU, paper for the paper's sizes."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.models.image_codebook.settings import CodebookSettings, PyramidSettings
from pipelines.models.image_generator.settings import CodeQuery, GeneratorSettings, MappingSettings, TransformerSettings, WarpSettings


@dataclass(frozen=True)
class ImagePreset:
    """Sizes of the codebook and of the generator that goes with it."""

    codebook: CodebookSettings
    generator: GeneratorSettings


_TINY = ImagePreset(
    codebook=CodebookSettings(
        size_px=128,
        code_count=1024,
        code_width=64,
        encoder=PyramidSettings(shuffle=4, widths=(96, 128), blocks=(2, 2)),
        decoder=PyramidSettings(shuffle=4, widths=(96, 128), blocks=(2, 2)),
        discriminator_width=32,
    ),
    generator=GeneratorSettings(
        mapping=MappingSettings(first_kernel=3, layers=1, dilation=1, pooled=1, width=96),
        warp=WarpSettings(shuffle=4, widths=(32, 64, 96)),
        transformer=TransformerSettings(layers=2, width=128, heads=4, hidden=256),
        fusion_width=64,
        attention_heads=4,
        surroundings_px=16,
        bootstrap=True,
        relative_motion=True,
        code_query=CodeQuery.SOFT,
        blend=True,
    ),
)
_SMALL = ImagePreset(
    codebook=CodebookSettings(
        size_px=256,
        code_count=1024,
        code_width=128,
        encoder=PyramidSettings(shuffle=2, widths=(64, 128, 256), blocks=(1, 2, 2)),
        decoder=PyramidSettings(shuffle=2, widths=(64, 128, 256), blocks=(2, 2, 3)),
        attention_heads=4,
    ),
    generator=GeneratorSettings(
        mapping=MappingSettings(first_kernel=5, layers=2, dilation=2, pooled=1, width=256),
        warp=WarpSettings(shuffle=4, widths=(32, 64, 128, 192)),
        transformer=TransformerSettings(layers=6, width=256, heads=8, hidden=512),
        fusion_width=256,
        attention_heads=8,
        surroundings_px=32,
        bootstrap=True,
        relative_motion=True,
        code_query=CodeQuery.SOFT,
        blend=True,
    ),
)
_PAPER = ImagePreset(
    codebook=CodebookSettings(
        size_px=512,
        code_count=1024,
        code_width=256,
        encoder=PyramidSettings(shuffle=4, widths=(96, 192, 320, 512), blocks=(1, 2, 2, 2)),
        decoder=PyramidSettings(shuffle=2, widths=(64, 128, 256, 320, 512), blocks=(2, 2, 2, 2, 2)),
        attention_heads=8,
    ),
    generator=GeneratorSettings(
        mapping=MappingSettings(first_kernel=7, layers=3, dilation=3, pooled=3, width=256),
        warp=WarpSettings(shuffle=4, widths=(32, 64, 128, 256)),
        transformer=TransformerSettings(layers=9, width=512, heads=8, hidden=1024),
        fusion_width=256,
        attention_heads=8,
        bootstrap=True,
    ),
)
PRESETS = {"tiny": _TINY, "small": _SMALL, "paper": _PAPER}


def image_preset(name: str) -> ImagePreset:
    """Return the preset of this name: tiny, small or paper."""
    if name not in PRESETS:
        raise ValueError(f"presets of the image networks are {', '.join(PRESETS)}, found {name!r}")
    return PRESETS[name]
