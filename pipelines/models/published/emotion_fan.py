"""Frame attention network for emotions in videos: ResNet-18 features of frames, weighted by themselves and by their relation to the clip.

Parts are named as in the published weights of kind `self_relation-attention` with the eight emotions of MEAD.

Reference: Meng et al. 2019, "Frame Attention Networks for Facial Expression Recognition in Videos".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

EMOTIONS = ("happy", "angry", "disgusted", "fear", "sad", "neutral", "surprised", "contempt")
"""In the order of the published weights' outputs."""
_WIDTHS = (64, 128, 256, 512)


class ResidualBlock(nn.Module):
    """Two convolutions of 3 pixels and a shortcut."""

    def __init__(self, channels_in: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        changes = stride != 1 or channels_in != channels
        shortcut = nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
        self.downsample = shortcut if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, channels, h / stride, w / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + shortcut)


class EmotionFan(nn.Module):
    """From the frames of a clip to its emotion."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        layers = [
            nn.Sequential(ResidualBlock(before, width, 1 if width == 64 else 2), ResidualBlock(width, width))
            for before, width in zip((64, *_WIDTHS), _WIDTHS, strict=False)
        ]
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.alpha = nn.Sequential(nn.Linear(512, 1), nn.Sigmoid())
        self.beta = nn.Sequential(nn.Linear(1024, 1), nn.Sigmoid())
        self.pred_fc1 = nn.Linear(512, len(EMOTIONS))
        self.pred_fc2 = nn.Linear(1024, len(EMOTIONS))

    def features(self, pictures: Tensor) -> Tensor:
        """Return (frames, 512) of pictures (frames, 3, 224, 224), red green blue, 0..1."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(pictures))), 3, stride=2, padding=1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return x.mean(dim=(2, 3))

    def forward(self, features: Tensor) -> Tensor:
        """Return (8,) probabilities of `EMOTIONS` of a clip from the features (frames, 512) of its frames."""
        alpha = self.alpha(features)
        clip = (features * alpha).sum(0) / alpha.sum()
        both = torch.cat([features, clip.expand_as(features)], dim=1)
        beta = self.beta(both)
        # As in the published evaluation: alpha weighs the features, alpha and beta what they are divided by.
        weighted = (both * alpha).sum(0) / (alpha * beta).sum()
        return F.softmax(self.pred_fc2(weighted), dim=0)
