"""Distances of made pictures from true ones: PSNR, of regions too, and SSIM."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]

PEAK = 255.0
MOST_DB = 100.0
"""What equal pictures count as."""


def psnr_of(mean_square: float) -> float:
    """Return the peak signal-to-noise ratio in dB of a mean squared error of bytes, at most `MOST_DB`."""
    if mean_square <= 0:
        return MOST_DB
    return min(MOST_DB, 10 * math.log10(PEAK**2 / mean_square))


def square_errors(made: Picture, targets: Picture) -> Floats:
    """Return (frames, height, width): squared differences of pictures (frames, height, width, 3), mean over the colours."""
    return np.asarray(np.square(made.astype(np.float64) - targets).mean(axis=-1))


def ssim(made: Picture, target: Picture) -> float:
    """Return the structural similarity of two pictures (height, width, 3), mean over places and colours.

    Reference: Wang et al. 2004: Gaussian window of 1.5 pixels, constants 0.01 and 0.03 of 255, population covariances.
    """
    value = structural_similarity(  # type: ignore[no-untyped-call]
        made, target, channel_axis=-1, data_range=PEAK, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return float(value)


def region_mask(boxes: NDArray[np.float32], size_px: int) -> NDArray[np.bool_]:
    """Return (size, size): pixels whose centre lies in one of the boxes (n, 4) left, top, right, bottom in shares of the side.

    Boxes of NaN are nowhere.
    """
    centres = (np.arange(size_px) + 0.5) / size_px
    mask = np.zeros((size_px, size_px), bool)
    for left, top, right, bottom in boxes.tolist():
        mask |= ((centres >= top) & (centres <= bottom))[:, None] & ((centres >= left) & (centres <= right))[None]
    return mask


@dataclass
class ErrorSum:
    """Squared errors of many pixels; the decibels are of the mean of all of them."""

    total: float = 0.0
    pixels: int = 0

    def add(self, errors: Floats) -> None:
        """Take in squared errors of any shape."""
        self.total += float(errors.sum())
        self.pixels += errors.size

    def include(self, other: ErrorSum) -> None:
        """Take in what another sum has taken in."""
        self.total += other.total
        self.pixels += other.pixels

    @property
    def psnr_db(self) -> float | None:
        """PSNR; None: no pixel."""
        return psnr_of(self.total / self.pixels) if self.pixels else None


def frame_psnrs(errors: Floats) -> list[float]:
    """Return the PSNR of each frame of squared errors (frames, height, width)."""
    return [psnr_of(float(frame.mean())) for frame in errors]


def masked(errors: Floats, boxes: NDArray[np.float32], rows: Sequence[int] | NDArray[np.int64]) -> Iterator[Floats]:
    """Yield the squared errors (pixels,) of some frames inside their boxes (frames, n, 4)."""
    for row in rows:
        yield errors[row][region_mask(boxes[row], errors.shape[-1])]
