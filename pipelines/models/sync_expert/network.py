"""A SyncNet: five frames of a mouth and the sound of the same 0.2 s become unit vectors, near each other where they belong together.

As in the published network the first convolution of the pictures spans all five frames, and either side ends in two fully connected
layers. It differs in the window (the mouth, upright, grey, instead of the face), in the sound (80 bins of log-mel instead of 13
cepstral coefficients) and in the unit length of embeddings.

Reference: Chung and Zisserman, Out of time: automated lip sync in the wild (2016); Chung et al., Perfect match (2019).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.models.sync_expert.settings import FRAMES, MEL_COLUMNS, SyncExpertSettings

MEL_BINS = 80
_MEL_HALVINGS = 4
_FIRST_SCALE = 10.0
_LARGEST_SCALE = 60.0


class SyncExpert(nn.Module):
    """Both sides, and how sharply similarities are told apart.

    Args:
        settings: sizes.

    Attributes:
        log_scale: logarithm of what cosines are multiplied by to make logits of offsets.
    """

    def __init__(self, settings: SyncExpertSettings) -> None:
        super().__init__()
        self.settings = settings
        self.picture_side = _picture_side(settings)
        self.sound_trunk, self.sound_side = _sound_layers(settings)
        self.log_scale = nn.Parameter(torch.tensor(_FIRST_SCALE).log())

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied by."""
        return self.log_scale.exp().clamp(max=_LARGEST_SCALE)

    def embed_mouths(self, windows: Tensor) -> Tensor:
        """Return unit embeddings (n, embedding).

        Args:
            windows: float32 (n, FRAMES, size, size), of mean 0 and variance 1 over a clip, see `normalised`.
        """
        return functional.normalize(self.picture_side(windows), dim=1)

    def embed_sounds(self, log_mel: Tensor, first: Tensor) -> Tensor:
        """Return unit embeddings (clips, n, embedding).

        The first layers go over the sound as a whole, so that windows that overlap are not computed again and again.

        Args:
            log_mel: float32 (clips, columns, 80), within -4..4.
            first: int64 (n,) first columns of windows of MEL_COLUMNS; the same for all clips.
        """
        maps = self.sound_trunk(log_mel.transpose(1, 2)[:, None] / 2)
        columns = first[:, None] + torch.arange(MEL_COLUMNS, device=first.device)
        windows = maps[..., columns].permute(0, 3, 1, 2, 4).flatten(0, 1)
        embeddings = functional.normalize(self.sound_side(windows), dim=1)
        return embeddings.view(len(log_mel), len(first), -1)


def normalised(windows: Tensor) -> Tensor:
    """Return grey windows (..., frames, size, size), 0..255, as float32 with mean 0 and variance 1 over frames and pixels."""
    values = windows.float()
    mean = values.mean(dim=(-3, -2, -1), keepdim=True)
    deviation = values.std(dim=(-3, -2, -1), keepdim=True, correction=0)
    return (values - mean) / (deviation + 1.0)


def _block(inputs: int, outputs: int, kernel: int, stride: int | tuple[int, int]) -> list[nn.Module]:
    padding = kernel // 2
    return [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def _head(inputs: int, hidden: int, outputs: int) -> list[nn.Module]:
    return [nn.Flatten(), nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Linear(hidden, outputs)]


def _picture_side(settings: SyncExpertSettings) -> nn.Sequential:
    first, *others = settings.widths
    extra = max(0, settings.halvings - len(settings.widths))
    layers = _block(FRAMES, first, 5, 2) + [nn.MaxPool2d(3, 2, 1) for _ in range(extra)]
    for number, (inputs, outputs) in enumerate(pairwise((first, *others)), start=1):
        layers += _block(inputs, outputs, 3, 2 if number < settings.halvings - extra else 1)
    side = settings.size_px >> settings.halvings
    return nn.Sequential(*layers, *_head(settings.widths[-1] * side * side, settings.embedding * 2, settings.embedding))


def _sound_layers(settings: SyncExpertSettings) -> tuple[nn.Sequential, nn.Sequential]:
    """Return the layers over the whole sound, which halve bins alone, and those of its windows, which halve columns too."""
    first, second, third, fourth = settings.widths
    trunk = nn.Sequential(*_block(1, first, 3, (2, 1)), *_block(first, second, 3, (2, 1)))
    stages = _block(second, third, 3, (2, 2)) + _block(third, fourth, 3, (2, 2))
    bins, columns = MEL_BINS >> _MEL_HALVINGS, MEL_COLUMNS >> 2
    return trunk, nn.Sequential(*stages, *_head(fourth * bins * columns, settings.embedding * 2, settings.embedding))
