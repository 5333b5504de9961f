"""CPBD, cumulative probability of blur detection: how sharp a picture is, without another one to compare it with.

At every vertical edge of a block that has edges the edge's width is measured along its row. From width and contrast follows how
probable it is that somebody sees it as blurred; the measure is the share of edges for which that is less than "just noticeable".

Reference: Narvekar and Karam 2011, "A No-Reference Image Blur Metric Based on the Cumulative Probability of Blur Detection";
widths after Marziliano et al. 2002. Values depend on the resolution: compare those of one size alone.
"""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.image_evaluation.edge_blocks import blocks_with_edges

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

BLOCK_PX = 64
_EDGE_SHARE = 0.002
"""A block has edges if more than this share of its pixels are on one."""
_BETA = 3.6
_NARROW_FROM_CONTRAST = 51
_JUST_NOTICEABLE_PX = (5.0, 3.0)
"""Widths of edges that are just noticeably blurred, of weak and of strong contrast."""
_BLUR_DETECTED = 0.63
_MOST_STEPS = 100
"""Pixels that an edge is followed to a side, beyond the first."""
_FLAT = math.tan(math.radians(22.5))
"""A gradient is horizontal if it rises by less than this."""
_ROW_END = 2


def cpbd(grey: NDArray[np.uint8]) -> float:
    """Return the sharpness 0..1 of a grey picture (height, width); 0 where no edge can be measured."""
    if min(grey.shape) < BLOCK_PX:
        return 0.0
    places, widths = _edge_widths(grey, np.flatnonzero(_vertical_edges(grey)))
    contrasts, have_edges = _contrasts(grey), blocks_with_edges(grey, BLOCK_PX, _EDGE_SHARE * BLOCK_PX**2)
    widest = np.where(contrasts < _NARROW_FROM_CONTRAST, *_WIDEST_SHARP)
    # Of what is in no block, or in one without edges, nothing counts.
    counted, sharp_to = np.append(have_edges, False), np.append(np.where(have_edges, widest, 0), 0)
    block = _block_of_pixels(*grey.shape)[places]
    total = int(np.count_nonzero(counted[block]))
    return int(np.count_nonzero(widths <= sharp_to[block])) / total if total else 0.0


def luma(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the grey of a picture (height, width, 3), ITU-R 601."""
    return np.asarray(np.round(rgb @ np.array([0.299, 0.587, 0.114])), np.uint8)


def _contrasts(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (rows of blocks, columns of blocks) the range of the intensities of each."""
    rows, columns = (side // BLOCK_PX for side in grey.shape)
    blocks = grey[: rows * BLOCK_PX, : columns * BLOCK_PX].reshape(rows, BLOCK_PX, columns, BLOCK_PX)
    return np.asarray(blocks.max(axis=1).max(axis=-1) - blocks.min(axis=1).min(axis=-1))


def _widest_sharp(just_noticeable_px: float) -> int:
    """Return up to which width edges are seen as sharp; the reference implementation rounds the probability to the percent."""
    widths = np.arange(2 * _MOST_STEPS + 3.0)
    probability = np.round(1 - np.exp(-np.power(widths / just_noticeable_px, _BETA)), 2)
    return int(np.flatnonzero(probability <= _BLUR_DETECTED)[-1])


_WIDEST_SHARP = tuple(_widest_sharp(width) for width in _JUST_NOTICEABLE_PX)


@lru_cache(maxsize=4)
def _block_of_pixels(height: int, width: int) -> Places:
    """Return (pixels,) in which block each pixel is, row by row; one beyond the last: in none."""
    rows, columns = height // BLOCK_PX, width // BLOCK_PX
    down, across = np.arange(height) // BLOCK_PX, np.arange(width) // BLOCK_PX
    numbers = np.where((down[:, None] < rows) & (across < columns), down[:, None] * columns + across, rows * columns)
    return np.asarray(numbers.ravel())


def _vertical_edges(grey: NDArray[np.uint8]) -> Flags:
    """Return where the horizontal gradient is strong and a strict maximum among its neighbours in the row or in the column.

    The gradient is in eighths, which changes nothing: whole numbers, compared with each other and with the root of twice the root of
    the mean square. Pixels on the border are no edges.
    """
    gradient = np.abs(np.asarray(cv2.Sobel(grey, cv2.CV_16S, 1, 0, ksize=3, borderType=cv2.BORDER_REFLECT)))
    mean_square = cv2.norm(gradient, cv2.NORM_L2SQR) / gradient.size / 64
    gradient[gradient <= math.isqrt(int(64 * 2 * math.sqrt(mean_square)))] = 0
    centre = gradient[1:-1, 1:-1]
    edges = np.zeros(grey.shape, np.bool_)
    edges[1:-1, 1:-1] = (centre > gradient[1:-1, :-2]) & (centre > gradient[1:-1, 2:])
    edges[1:-1, 1:-1] |= (centre > gradient[:-2, 1:-1]) & (centre > gradient[2:, 1:-1])
    return edges


def _edge_widths(grey: NDArray[np.uint8], places: Places) -> tuple[Places, Places]:
    """Return the edges whose gradient is horizontal, and their widths in pixels: to the next extrema on both sides.

    Args:
        grey: the picture.
        places: (n,) of edges, as numbers of pixels, none on the border.
    """
    flat, width = grey.astype(np.int16).ravel(), grey.shape[1]
    across, down = flat[places + 1] - flat[places - 1], flat[places + width] - flat[places - width]
    # Where nothing rises across, the reference implementation leaves the angle 0.
    chosen = (across == 0) | (np.abs(down) < _FLAT * np.abs(across))
    places, rises = places[chosen], np.where(across[chosen] >= 0, 1, -1)
    slopes = np.full(grey.shape, _ROW_END, np.int8)
    slopes[:, :-1] = (grey[:, 1:] > grey[:, :-1]).view(np.int8) - (grey[:, 1:] < grey[:, :-1]).view(np.int8)
    slopes = slopes.ravel()
    changes = slopes[1:] != slopes[:-1]
    run = np.concatenate([[0], np.cumsum(changes)])
    ends = np.append(np.flatnonzero(changes) + 1, len(slopes))
    starts = np.append(0, ends[:-1])
    left, right = places - 2, places + 1
    to_left = np.where(slopes[left] == rises, left - starts[run[left]] + 1, 0)
    to_right = np.where(slopes[right] == rises, ends[run[right]] - right, 0)
    return places, 2 + np.minimum(to_left, _MOST_STEPS) + np.minimum(to_right, _MOST_STEPS)
