"""SSIM and PSNR of aligned frames, as the published protocol has them: of each frame, averaged over all frames of all clips."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

PEAK = 255.0
MOST_DB = 100.0
"""What equal pictures count as."""
SSIM_WINDOW_PX = 7
_PIXELS = SSIM_WINDOW_PX**2
_C1, _C2 = (0.01 * PEAK) ** 2 * _PIXELS**2, (0.03 * PEAK) ** 2 * _PIXELS * (_PIXELS - 1)
"""SSIM's constants, times what sums over a window are larger than means and sample covariances."""


def psnr_db(made: Picture, true: Picture) -> float:
    """Return the peak signal-to-noise ratio of two pictures of bytes, at most `MOST_DB`."""
    mean_square = cv2.norm(made, true, cv2.NORM_L2SQR) / made.size
    return MOST_DB if mean_square <= 0 else min(MOST_DB, 10 * math.log10(PEAK**2 / mean_square))


def ssim(made: Picture, true: Picture) -> float:
    """Return the structural similarity of two pictures (height, width, 3) of bytes, mean over places and colours.

    The definition of `skimage.metrics.structural_similarity` with its defaults: a square window of 7 pixels, sample covariances, constants
    0.01 and 0.03 of 255, borders left out. Sums over windows of bytes are whole numbers, so only the last steps need fractions: with
    sums x and y, 2 x y, and x^2 + y^2 = (x - y)^2 + 2 x y.
    """
    apart = cv2.absdiff(made, true)
    x, y = _window_sums(made), _window_sums(true)
    product = x * y
    covariance = _window_sums(np.multiply(made, true, dtype=np.uint16)) * _PIXELS - product
    x -= y
    x *= x
    unlike = _window_sums(np.multiply(apart, apart, dtype=np.uint16)) * _PIXELS - x
    means, spreads = product * 2.0 + _C1, covariance * 2.0 + _C2
    upper = means * spreads
    means += x
    spreads += unlike
    upper /= means * spreads
    return float(upper.mean())


def _window_sums(values: NDArray[np.uint8 | np.uint16]) -> NDArray[np.int32]:
    """Return the sum over the window around each pixel that it lies in as a whole."""
    edge = SSIM_WINDOW_PX // 2
    sums = cv2.boxFilter(values, cv2.CV_32S, (SSIM_WINDOW_PX, SSIM_WINDOW_PX), normalize=False)
    return np.asarray(sums[edge:-edge, edge:-edge], np.int32)
