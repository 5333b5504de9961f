"""Sizes of the emotion judge."""

from __future__ import annotations

from dataclasses import dataclass

from storage_schemas.training_runs import Preset


@dataclass(frozen=True)
class EmotionClassifierSettings:
    """Sizes of the network over frames.

    Attributes:
        size_px: side of the grey face window.
        widths: channels of the stages of residual blocks, each with half the side of the one before (ResNet-18: 64, 128, 256, 512).
        blocks: residual blocks in a stage.
    """

    size_px: int = 64
    widths: tuple[int, ...] = (16, 32, 64, 96)
    blocks: int = 1


_PRESETS = {
    Preset.TINY: EmotionClassifierSettings(),
    Preset.SMALL: EmotionClassifierSettings(112, (32, 64, 128, 256), 2),
    Preset.PAPER: EmotionClassifierSettings(224, (64, 128, 256, 512), 2),
}


def emotion_classifier_preset(preset: Preset) -> EmotionClassifierSettings:
    """Return the sizes of a preset."""
    return _PRESETS[preset]
