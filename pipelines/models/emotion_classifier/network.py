"""Emotion-FAN: a residual network looks at each frame, attention says which frames count, a linear layer names the emotion.

A frame's first weight is what it says by itself (self-attention), its second what it says beside the whole clip (relation-attention).

Reference: Meng et al., Frame attention networks for facial expression recognition in videos (2019), equations 1 to 5.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.models.emotion_classifier.settings import EmotionClassifierSettings

_REACH = 8
"""The surroundings of a pixel reach as far as this part of the side."""
_LEAST_CONTRAST = 6.0
"""Grey levels; less than about that is noise."""


class ResidualBlock(nn.Module):
    """Two convolutions beside a way past them.

    Args:
        inputs, outputs: channels.
        stride: of the first convolution.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first, self.first_norm = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.second, self.second_norm = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        same = stride == 1 and inputs == outputs
        self.past = nn.Identity() if same else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, values: Tensor) -> Tensor:
        """Return (n, outputs, side / stride, likewise) of (n, inputs, side, side)."""
        hidden = torch.relu(self.first_norm(self.first(values)))
        return torch.relu(self.second_norm(self.second(hidden)) + self.past(values))


class EmotionClassifier(nn.Module):
    """The network over the frames of a clip.

    Args:
        settings: sizes.
        classes: how many emotions there are.
        dropout: share of features that are hidden from the last layer in training.
    """

    def __init__(self, settings: EmotionClassifierSettings, classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.settings = settings
        first = settings.widths[0]
        layers: list[nn.Module] = [nn.Conv2d(1, first, 5, 2, 2, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True)]
        for number, (inputs, outputs) in enumerate(pairwise((first, *settings.widths))):
            layers += [ResidualBlock(inputs, outputs, 1 if number == 0 else 2)]
            layers += [ResidualBlock(outputs, outputs, 1) for _ in range(settings.blocks - 1)]
        self.frames = nn.Sequential(*layers)
        width = settings.widths[-1]
        self.self_attention = nn.Linear(width, 1)
        self.relation_attention = nn.Linear(2 * width, 1)
        self.dropout = nn.Dropout(dropout)
        self.classes = nn.Linear(2 * width, classes)

    def features(self, windows: Tensor) -> Tensor:
        """Return what each frame looks like: (n, width) of windows (n, size, size), see `normalised`."""
        maps: Tensor = self.frames(windows[:, None])
        return maps.mean(dim=(2, 3))

    def forward(self, windows: Tensor) -> Tensor:
        """Return logits (clips, classes) of windows (clips, frames, size, size), see `normalised`."""
        clips, frames = windows.shape[:2]
        return self.classify(self.features(windows.flatten(0, 1)).view(clips, frames, -1))

    def classify(self, features: Tensor) -> Tensor:
        """Return logits (clips, classes) of the features (clips, frames, width) of clips."""
        alpha = torch.sigmoid(self.self_attention(self.dropout(features)))
        whole = (alpha * features).sum(dim=1, keepdim=True) / alpha.sum(dim=1, keepdim=True)
        beside = torch.cat([features, whole.expand_as(features)], dim=2)
        weight = alpha * torch.sigmoid(self.relation_attention(self.dropout(beside)))
        pooled = (weight * beside).sum(dim=1) / weight.sum(dim=1)
        logits: Tensor = self.classes(self.dropout(pooled))
        return logits


def normalised(windows: Tensor) -> Tensor:
    """Return grey windows (..., size, size), 0..255, as float32 edges of even contrast: without light and tone.

    The mean around each pixel is taken from it, and the rest divided by how much pixels vary around it. Hair, skin and the direction of
    light say who somebody is and where, not what they feel; from few clips a network would learn those.
    """
    values = windows.float().reshape(-1, 1, *windows.shape[-2:])
    edges = values - _around(values)
    deviation = _around(edges.square()).clamp(min=0).sqrt()
    return (edges / (deviation + _LEAST_CONTRAST)).view(windows.shape)


def _around(values: Tensor) -> Tensor:
    """Return the mean around each pixel of (n, 1, size, size)."""
    reach = values.shape[-1] // _REACH
    # The mean of the means of rows, at a third of the time of the mean over squares.
    rows = functional.avg_pool2d(values, (1, 2 * reach + 1), 1, (0, reach), count_include_pad=False)
    return functional.avg_pool2d(rows, (2 * reach + 1, 1), 1, (reach, 0), count_include_pad=False)
