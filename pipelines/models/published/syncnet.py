"""SyncNet as published with its weights (`syncnet_v2`): five frames of a face and 0.2 s of sound become vectors that lie near each other.

Reference: Chung and Zisserman 2016, "Out of Time: Automated Lip Sync in the Wild".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

FRAMES = 5
PICTURE_PX = 224
COEFFICIENTS = 13
SOUND_STEPS = 20
EMBEDDING = 1024


def _sound(channels_in: int, channels: int, size: int | tuple[int, int] = 3, padding: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(channels_in, channels, size, padding=padding), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


def _sight(channels_in: int, channels: int, size: tuple[int, int, int], stride: int = 1, padding: int = 0) -> list[nn.Module]:
    steps, borders = (1, stride, stride), (0, padding, padding)
    return [nn.Conv3d(channels_in, channels, size, steps, borders), nn.BatchNorm3d(channels), nn.ReLU(inplace=True)]


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, EMBEDDING))


class SyncNet(nn.Module):
    """The two streams; parts are named and numbered as in the published weights."""

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_sound(1, 64), nn.MaxPool2d(1, 1),
            *_sound(64, 192), nn.MaxPool2d(3, (1, 2)),
            *_sound(192, 384), *_sound(384, 256), *_sound(256, 256), nn.MaxPool2d(3, 2),
            *_sound(256, 512, (5, 4), padding=0),
        )  # fmt: skip
        self.netfcaud = _head()
        self.netfclip = _head()
        self.netcnnlip = nn.Sequential(
            *_sight(3, 96, (5, 7, 7), stride=2), nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_sight(96, 256, (1, 5, 5), stride=2, padding=1), nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *_sight(256, 256, (1, 3, 3), padding=1), *_sight(256, 256, (1, 3, 3), padding=1), *_sight(256, 256, (1, 3, 3), padding=1),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_sight(256, 512, (1, 6, 6)),
        )  # fmt: skip

    def sight(self, pictures: Tensor) -> Tensor:
        """Return (batch, 1024) of pictures (batch, 3, 5, 224, 224), blue green red, 0..255."""
        found: Tensor = self.netfclip(torch.flatten(self.netcnnlip(pictures), 1))
        return found

    def sound(self, coefficients: Tensor) -> Tensor:
        """Return (batch, 1024) of cepstral coefficients (batch, 1, 13, 20), a hundred a second."""
        found: Tensor = self.netfcaud(torch.flatten(self.netcnnaud(coefficients), 1))
        return found
