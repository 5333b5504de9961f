"""Pictures as bytes and as the networks want them."""

from __future__ import annotations

import torch
from torch import Tensor


def from_bytes(pictures: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return (batch, 3, height, width) in -1..1, channels-last in memory, of (batch, height, width, 3) uint8."""
    return (pictures.to(dtype) / 127.5 - 1).permute(0, 3, 1, 2)


def to_bytes(pictures: Tensor) -> Tensor:
    """Return (batch, height, width, 3) uint8, on the same device, of (batch, 3, height, width) in -1..1; beyond is clamped."""
    scaled = (pictures.float().clamp(-1, 1) + 1) * 127.5
    return scaled.round().to(torch.uint8).permute(0, 2, 3, 1)
