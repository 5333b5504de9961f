"""Sizes of the lip-sync expert."""

from __future__ import annotations

from dataclasses import dataclass

from storage_schemas.training_runs import Preset

FRAMES = 5
"""Frames of a mouth that are seen at once: 0.2 s, as in SyncNet."""
MEL_COLUMNS = 16
"""Log-mel columns of the same 0.2 s."""


@dataclass(frozen=True)
class SyncExpertSettings:
    """Sizes of the two sides.

    Attributes:
        size_px: side of the grey mouth window.
        widths: channels of the four convolutional stages of either side (SyncNet: 96, 256, 256, 512).
        halvings: how often the window's side is halved in them (SyncNet: 5).
        embedding: numbers in an embedding (SyncNet: 1024).
    """

    size_px: int = 48
    widths: tuple[int, int, int, int] = (24, 32, 48, 96)
    halvings: int = 3
    embedding: int = 96

    def __post_init__(self) -> None:
        if self.size_px % (1 << self.halvings):
            raise ValueError(f"windows of {self.size_px} px cannot be halved {self.halvings} times")


_PRESETS = {
    Preset.TINY: SyncExpertSettings(),
    Preset.SMALL: SyncExpertSettings(96, (48, 96, 128, 256), 4, 256),
    Preset.PAPER: SyncExpertSettings(224, (96, 256, 256, 512), 5, 1024),
}


def sync_expert_preset(preset: Preset) -> SyncExpertSettings:
    """Return the sizes of a preset."""
    return _PRESETS[preset]
