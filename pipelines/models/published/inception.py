"""The Inception v3 that FID is defined with: TensorFlow's of 2015, as PyTorch layers named like torchvision's `inception_v3`.

It differs from torchvision's in its pooling: averages leave the border out of their count, and the last block takes a maximum.

Reference: Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision"; Heusel et al. 2017, "GANs Trained by a
Two Time-Scale Update Rule Converge to a Local Nash Equilibrium".
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

FEATURES = 2048
INPUT_PX = 299


class ConvolutionUnit(nn.Module):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(
        self, channels_in: int, channels: int, size: int | tuple[int, int], stride: int = 1, padding: int | tuple[int, int] = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, channels, h', w') of (batch, channels in, h, w)."""
        found: Tensor = F.relu(self.bn(self.conv(x)))
        return found


def _average(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def _maximum(x: Tensor) -> Tensor:
    return F.max_pool2d(x, 3, stride=1, padding=1)


class BlockA(nn.Module):
    """35 x 35: branches of 1, 5 and twice 3 pixels."""

    def __init__(self, channels_in: int, pooled: int) -> None:
        super().__init__()
        self.branch1x1 = ConvolutionUnit(channels_in, 64, 1)
        self.branch5x5_1 = ConvolutionUnit(channels_in, 48, 1)
        self.branch5x5_2 = ConvolutionUnit(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = ConvolutionUnit(channels_in, 64, 1)
        self.branch3x3dbl_2 = ConvolutionUnit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvolutionUnit(96, 96, 3, padding=1)
        self.branch_pool = ConvolutionUnit(channels_in, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, 224 + pooled, h, w)."""
        five = self.branch5x5_2(self.branch5x5_1(x))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), five, three, self.branch_pool(_average(x))], 1)


class BlockB(nn.Module):
    """35 x 35 to 17 x 17."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        self.branch3x3 = ConvolutionUnit(channels_in, 384, 3, stride=2)
        self.branch3x3dbl_1 = ConvolutionUnit(channels_in, 64, 1)
        self.branch3x3dbl_2 = ConvolutionUnit(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvolutionUnit(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, 480 + channels in, h', w')."""
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), three, F.max_pool2d(x, 3, stride=2)], 1)


class BlockC(nn.Module):
    """17 x 17: 7 x 7 as rows and columns."""

    def __init__(self, channels_in: int, width: int) -> None:
        super().__init__()
        row: tuple[tuple[int, int], tuple[int, int]] = ((1, 7), (0, 3))
        column: tuple[tuple[int, int], tuple[int, int]] = ((7, 1), (3, 0))
        self.branch1x1 = ConvolutionUnit(channels_in, 192, 1)
        self.branch7x7_1 = ConvolutionUnit(channels_in, width, 1)
        self.branch7x7_2 = ConvolutionUnit(width, width, row[0], padding=row[1])
        self.branch7x7_3 = ConvolutionUnit(width, 192, column[0], padding=column[1])
        self.branch7x7dbl_1 = ConvolutionUnit(channels_in, width, 1)
        self.branch7x7dbl_2 = ConvolutionUnit(width, width, column[0], padding=column[1])
        self.branch7x7dbl_3 = ConvolutionUnit(width, width, row[0], padding=row[1])
        self.branch7x7dbl_4 = ConvolutionUnit(width, width, column[0], padding=column[1])
        self.branch7x7dbl_5 = ConvolutionUnit(width, 192, row[0], padding=row[1])
        self.branch_pool = ConvolutionUnit(channels_in, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, 768, h, w)."""
        once = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(twice))
        return torch.cat([self.branch1x1(x), once, twice, self.branch_pool(_average(x))], 1)


class BlockD(nn.Module):
    """17 x 17 to 8 x 8."""

    def __init__(self, channels_in: int) -> None:
        super().__init__()
        self.branch3x3_1 = ConvolutionUnit(channels_in, 192, 1)
        self.branch3x3_2 = ConvolutionUnit(192, 320, 3, stride=2)
        self.branch7x7x3_1 = ConvolutionUnit(channels_in, 192, 1)
        self.branch7x7x3_2 = ConvolutionUnit(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = ConvolutionUnit(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = ConvolutionUnit(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, 512 + channels in, h', w')."""
        seven = self.branch7x7x3_2(self.branch7x7x3_1(x))
        seven = self.branch7x7x3_4(self.branch7x7x3_3(seven))
        return torch.cat([self.branch3x3_2(self.branch3x3_1(x)), seven, F.max_pool2d(x, 3, stride=2)], 1)


class BlockE(nn.Module):
    """8 x 8: branches that part into rows and columns."""

    def __init__(self, channels_in: int, pool: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._pool = pool
        self.branch1x1 = ConvolutionUnit(channels_in, 320, 1)
        self.branch3x3_1 = ConvolutionUnit(channels_in, 384, 1)
        self.branch3x3_2a = ConvolutionUnit(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = ConvolutionUnit(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = ConvolutionUnit(channels_in, 448, 1)
        self.branch3x3dbl_2 = ConvolutionUnit(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = ConvolutionUnit(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = ConvolutionUnit(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = ConvolutionUnit(channels_in, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, 2048, h, w)."""
        once = self.branch3x3_1(x)
        twice = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        parts = [self.branch1x1(x), self.branch3x3_2a(once), self.branch3x3_2b(once)]
        parts += [self.branch3x3dbl_3a(twice), self.branch3x3dbl_3b(twice), self.branch_pool(self._pool(x))]
        return torch.cat(parts, 1)


class FidInception(nn.Module):
    """From pictures to the 2048 features of the last pooling, pool3."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = ConvolutionUnit(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = ConvolutionUnit(32, 32, 3)
        self.Conv2d_2b_3x3 = ConvolutionUnit(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = ConvolutionUnit(64, 80, 1)
        self.Conv2d_4a_3x3 = ConvolutionUnit(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = BlockA(192, 32), BlockA(256, 64), BlockA(288, 64)
        self.Mixed_6a = BlockB(288)
        self.Mixed_6b, self.Mixed_6c = BlockC(768, 128), BlockC(768, 160)
        self.Mixed_6d, self.Mixed_6e = BlockC(768, 160), BlockC(768, 192)
        self.Mixed_7a = BlockD(768)
        self.Mixed_7b, self.Mixed_7c = BlockE(1280, _average), BlockE(2048, _maximum)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return (batch, 2048) features of pictures (batch, 3, h, w) in 0..1, which are brought to 299 pixels."""
        x = F.interpolate(pictures, size=(INPUT_PX, INPUT_PX), mode="bilinear", align_corners=False) * 2 - 1
        x = F.max_pool2d(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))), 3, stride=2)
        x = F.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(x)), 3, stride=2)
        blocks: tuple[nn.Module, ...] = (self.Mixed_5b, self.Mixed_5c, self.Mixed_5d, self.Mixed_6a, self.Mixed_6b, self.Mixed_6c)
        blocks += (self.Mixed_6d, self.Mixed_6e, self.Mixed_7a, self.Mixed_7b, self.Mixed_7c)
        for block in blocks:
            x = block(x)
        return x.mean(dim=(2, 3))
