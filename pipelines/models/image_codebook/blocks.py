"""What the image networks are made of: convolutions, residual blocks, steps between resolutions, attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def convolution(inputs: int, outputs: int, *, gain: float = 1.0, stride: int = 1) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the variance of rectified input, times gain squared; no bias at first."""
    layer = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    with torch.no_grad():
        layer.weight.mul_(gain)
    nn.init.zeros_(layer.bias if layer.bias is not None else layer.weight)
    return layer


def pointwise(inputs: int, outputs: int, *, gain: float = 1.0) -> nn.Conv2d:
    """Return a 1x1 convolution that keeps the variance of its input, times gain squared; no bias at first."""
    layer = nn.Conv2d(inputs, outputs, 1)
    nn.init.normal_(layer.weight, std=gain * inputs**-0.5)
    nn.init.zeros_(layer.bias if layer.bias is not None else layer.weight)
    return layer


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each place of (batch, channels, height, width); no copy in channels-last memory."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name is torch's
        """Return the normalised map, of the same shape."""
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(relu(norm(x))))), channels and size unchanged.

    The norm works on the channels of each place, so a picture is treated the same alone and in a batch, in training and after.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(width)
        self.first = convolution(width, width)
        self.second = convolution(width, width, gain=0.2)

    def forward(self, features: Tensor) -> Tensor:
        """Return a map of the same shape."""
        in_place = not torch.is_grad_enabled()  # fresh memory costs more than the rectifying; gradients would make copies
        inner = self.first(functional.relu(self.norm(features), inplace=in_place))
        change: Tensor = self.second(functional.relu(inner, inplace=in_place))
        return features + change


class Halving(nn.Module):
    """Half the side: squares of four places become channels, mixed by a 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.mix = pointwise(4 * inputs, outputs)

    def forward(self, features: Tensor) -> Tensor:
        """Return (batch, outputs, height / 2, width / 2)."""
        mixed: Tensor = self.mix(functional.pixel_unshuffle(features, 2))
        return mixed


class Doubling(nn.Module):
    """Double the side: a 1x1 convolution, whose channels become squares of four places; at first all four alike."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.mix = pointwise(inputs, 4 * outputs)
        with torch.no_grad():
            self.mix.weight.copy_(self.mix.weight[::4].repeat_interleave(4, dim=0))

    def forward(self, features: Tensor) -> Tensor:
        """Return (batch, outputs, 2 height, 2 width)."""
        return functional.pixel_shuffle(self.mix(features), 2)


def attend(queries: Tensor, keys: Tensor, values: Tensor, heads: int) -> Tensor:
    """Return multi-head scaled dot-product attention of (batch, tokens, width) maps, before the output projection."""
    q, k, v = (part.reshape(*part.shape[:2], heads, -1).transpose(1, 2) for part in (queries, keys, values))
    return functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def as_tokens(features: Tensor) -> Tensor:
    """Return (batch, height * width, channels) of (batch, channels, height, width)."""
    return features.flatten(2).transpose(1, 2)


def as_map(tokens: Tensor, size: int) -> Tensor:
    """Return (batch, channels, size, size) of (batch, size * size, channels), in the order of `as_tokens`."""
    return tokens.transpose(1, 2).reshape(len(tokens), -1, size, size)


class SelfAttention(nn.Module):
    """Residual multi-head self-attention over the places of a small map."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        nn.init.normal_(self.out.weight, std=0.2 * width**-0.5)

    def forward(self, features: Tensor) -> Tensor:
        """Return a map of the same shape."""
        queries, keys, values = self.project(self.norm(as_tokens(features))).chunk(3, dim=-1)
        change: Tensor = self.out(attend(queries, keys, values, self.heads))
        return features + as_map(change, features.shape[-1])
