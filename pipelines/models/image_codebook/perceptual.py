"""Perceptual distances: by features of VGG19 where its weights are at hand, else by gradients at several scales."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

# Layers of VGG19 (configuration E of Simonyan and Zisserman): widths of convolutions, 0 for pooling; up to relu5_1.
_WIDTHS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512)
# Positions in torchvision's `features` of relu1_1, relu2_1, relu3_1, relu4_1, relu5_1.
_TAPS = (1, 6, 11, 20, 29)


class PerceptualDistance(nn.Module):
    """A distance between pictures (batch, 3, size, size) in -1..1, mean over the batch.

    Attributes:
        name: what it is, for the card of a run.
    """

    name: str

    def forward(self, pictures: Tensor, targets: Tensor) -> Tensor:
        """Return a scalar, 0 for equal pictures."""
        raise NotImplementedError


def perceptual_distance(vgg19_weights: Mapping[str, Tensor] | None) -> PerceptualDistance:
    """Return the distance by VGG19 if its weights are given, otherwise the one that needs none; `name` says which."""
    return GradientPyramidDistance() if vgg19_weights is None else Vgg19Distance(vgg19_weights)


class Vgg19Distance(PerceptualDistance):
    """Mean squared differences of VGG19 features (paper, equation 14) at relu1_1 .. relu5_1, summed.

    Args:
        weights: torchvision's state dict of vgg19 (`features.0.weight`, ...); what lies beyond relu5_1 is not needed.

    Raises:
        ValueError: a weight is missing or has another shape.
    """

    name = "VGG19 features relu1_1 to relu5_1, mean squared difference"
    mean: Tensor
    stddev: Tensor

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.features = _vgg19_features()
        own = self.features.state_dict()
        given = {name: weights[f"features.{name}"] for name in own if f"features.{name}" in weights}
        wrong = [f"features.{name}" for name, value in own.items() if name not in given or given[name].shape != value.shape]
        if wrong:
            raise ValueError(f"the weights are not torchvision's vgg19: missing or of another shape {', '.join(wrong)}")
        self.features.load_state_dict(given)
        self.requires_grad_(requires_grad=False)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406])[:, None, None])
        self.register_buffer("stddev", torch.tensor([0.229, 0.224, 0.225])[:, None, None])

    def forward(self, pictures: Tensor, targets: Tensor) -> Tensor:
        """Return a scalar, 0 for equal pictures."""
        ours, theirs = self._normalised(pictures), self._normalised(targets).detach()
        distance = pictures.new_zeros(())
        for position, layer in enumerate(self.features):
            ours, theirs = layer(ours), layer(theirs)
            if position in _TAPS:
                distance = distance + functional.mse_loss(ours, theirs)
        return distance

    def _normalised(self, pictures: Tensor) -> Tensor:
        return ((pictures + 1) / 2 - self.mean) / self.stddev


def _vgg19_features() -> nn.Sequential:
    layers: list[nn.Module] = []
    inputs = 3
    for width in _WIDTHS:
        # Not in place: a tapped map must stay what it was.
        layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()] if width else [nn.MaxPool2d(2)]
        inputs = width or inputs
    return nn.Sequential(*layers)


class GradientPyramidDistance(PerceptualDistance):
    """Mean absolute differences of horizontal and vertical gradients at several scales: edges and texture, without any weights.

    Args:
        scales: how many; each has half the side of the one before.
    """

    name = "gradients at 4 scales, mean absolute difference (no VGG19 weights)"

    def __init__(self, scales: int = 4) -> None:
        super().__init__()
        self.scales = scales
        self.name = f"gradients at {scales} scales, mean absolute difference (no VGG19 weights)"

    def forward(self, pictures: Tensor, targets: Tensor) -> Tensor:
        """Return a scalar, 0 for equal pictures."""
        error = pictures - targets
        distance = error.new_zeros(())
        for number in range(self.scales):
            error = functional.avg_pool2d(error, 2) if number else error
            distance = distance + error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
        return distance / self.scales
