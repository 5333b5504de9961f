"""CPBD step by step as it is defined, with scikit-image's Canny detector: what `cpbd` must agree with, and what it is timed against.

The published program has these steps too, and goes pixel by pixel besides; here all edges of a picture are followed at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve
from skimage.feature import canny

Floats = NDArray[np.float64]

BLOCK_PX = 64
_EDGE_SHARE = 0.002
"""A block has edges if more than this share of its pixels are on one."""
_BETA = 3.6
_NARROW_FROM_CONTRAST = 51
_JUST_NOTICEABLE_PX = (5.0, 3.0)
"""Widths of edges that are just noticeably blurred, of weak and of strong contrast."""
_BLUR_DETECTED = 0.63
_WIDEST_STEPS = 101
_SOBEL = np.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]) / 8


def plain_cpbd(grey: NDArray[np.uint8]) -> float:
    """Return the same as `cpbd`."""
    image = grey.astype(np.float64)
    classes = canny(image)  # type: ignore[no-untyped-call]
    rows, columns = np.nonzero(_vertical_edges(image))
    inner = (rows >= 1) & (rows < image.shape[0] - 1) & (columns >= 1) & (columns < image.shape[1] - 1)
    rows, columns, widths = _edge_widths(image, rows[inner], columns[inner])
    sharp = total = 0
    for top in range(0, image.shape[0] - BLOCK_PX + 1, BLOCK_PX):
        for left in range(0, image.shape[1] - BLOCK_PX + 1, BLOCK_PX):
            place = (slice(top, top + BLOCK_PX), slice(left, left + BLOCK_PX))
            if np.count_nonzero(classes[place]) <= _EDGE_SHARE * BLOCK_PX**2:
                continue
            inside = (rows >= top) & (rows < top + BLOCK_PX) & (columns >= left) & (columns < left + BLOCK_PX)
            found = _blur_probabilities(widths[inside], float(np.ptp(image[place])))
            sharp += int((found <= _BLUR_DETECTED).sum())
            total += found.size
    return sharp / total if total else 0.0


def _blur_probabilities(widths: Floats, contrast: float) -> Floats:
    """Return, to the percent, how probable it is that edges (n,) of a block with this contrast are seen as blurred."""
    noticeable = _JUST_NOTICEABLE_PX[int(contrast) >= _NARROW_FROM_CONTRAST]
    return np.asarray(np.round(1 - np.exp(-np.power(widths / noticeable, _BETA)), 2))


def _vertical_edges(image: Floats) -> NDArray[np.bool_]:
    """Return where the horizontal gradient is strong and a strict maximum among its neighbours in the row or in the column."""
    strength = np.square(convolve(image, _SOBEL))
    strength[strength <= 2 * np.sqrt(strength.mean())] = 0
    framed = np.pad(strength, 1)
    centre = framed[1:-1, 1:-1]
    across = (centre > framed[1:-1, :-2]) & (centre > framed[1:-1, 2:])
    down = (centre > framed[:-2, 1:-1]) & (centre > framed[2:, 1:-1])
    return np.asarray(across | down)


def _edge_widths(image: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return the edges whose gradient is horizontal, and their widths in pixels: to the next extrema on both sides."""
    down, across = np.gradient(image)
    turned = 45 * np.round(np.degrees(np.arctan2(down[rows, columns], across[rows, columns])) / 45)
    # Where nothing rises across, the reference implementation leaves the angle 0.
    turned[across[rows, columns] == 0] = 0
    rising, falling = turned == 0, np.abs(turned) == 180
    chosen = rising | falling
    rows, columns, sign = rows[chosen], columns[chosen], np.where(rising, 1.0, -1.0)[chosen]
    width = _steps(image, rows, columns, -1, sign) + _steps(image, rows, columns, 1, -sign)
    return rows, columns, width


def _steps(image: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64], side: int, sign: Floats) -> Floats:
    """Return how many pixels, 1 or more, the intensity goes on falling (sign 1) or rising (-1) to a side of each edge."""
    steps = np.ones(len(rows))
    going = np.arange(len(rows))
    for margin in range(_WIDEST_STEPS - 1):
        inner, outer = columns[going] + side * (1 + margin), columns[going] + side * (2 + margin)
        there = (outer >= 0) & (outer < image.shape[1])
        going, inner, outer = going[there], inner[there], outer[there]
        change = image[rows[going], outer] - image[rows[going], inner]
        going = going[sign[going] * change < 0]
        if not len(going):
            break
        steps[going] += 1
    return steps
