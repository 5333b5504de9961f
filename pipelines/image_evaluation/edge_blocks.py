"""Which blocks of a picture have edges, as scikit-image's Canny detector sees them, at a fraction of its time.

CPBD asks of every block only whether more than a few of its pixels are on an edge. Strong edges need no tracking, and in almost every
block a few rows have enough of them; the rest is looked at only where those rows do not decide.

Reference: Canny 1986; `skimage.feature.canny` with its defaults for pictures of floats: sigma 1, thresholds 0.1 and 0.2.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LOW, _HIGH = 0.1, 0.2
_RADIUS = 4
_SAMPLED_EVERY = 8
"""Of the rows, that are looked at first."""


def blocks_with_edges(grey: NDArray[np.uint8], block_px: int, more_than: float) -> Flags:
    """Return which blocks have edges.

    Args:
        grey: (height, width) picture.
        block_px: side of a block; what is left over at the right and below is in none.
        more_than: pixels on edges that a block must have more of.

    Returns:
        (rows of blocks, columns of blocks).
    """
    across, down = _gradient(grey)
    strength = np.sqrt(across * across + down * down)
    sampled = _counted(_thinned(across, down, strength, _SAMPLED_EVERY) >= _HIGH, block_px)
    if (sampled > more_than).all():
        return np.ones(sampled.shape, np.bool_)
    thin = _thinned(across, down, strength, 1)
    certain, possible = (_counted(thin >= least, block_px) > more_than for least in (_HIGH, _LOW))
    return certain if (certain == possible).all() else _counted(_tracked(thin), block_px) > more_than


def _gradient(grey: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Return the smoothed picture's gradient to the right and down, in eighths."""
    taps = _taps()
    smooth = cv2.sepFilter2D(grey.astype(np.float64), -1, taps, taps, borderType=cv2.BORDER_CONSTANT) / _covered(*grey.shape)
    across, down = (cv2.Sobel(smooth, -1, 1 - turn, turn, ksize=3, borderType=cv2.BORDER_REFLECT) for turn in (0, 1))
    return np.asarray(across, np.float64), np.asarray(down, np.float64)


def _thinned(across: Floats, down: Floats, strength: Floats, every: int) -> Floats:
    """Return the strength where it is largest along the gradient, 0 elsewhere and in all but each `every`-th row."""
    height, width = strength.shape
    above, here, below = (slice(first, height - 2 + first, every) for first in range(3))
    left, middle, right = (slice(first, width - 2 + first) for first in range(3))
    across, down = across[here, middle], down[here, middle]
    far_across, far_down = np.abs(across), np.abs(down)
    steep, falling = far_down > far_across, across * down >= 0
    centre = strength[here, middle]
    share = np.minimum(far_across, far_down) / np.maximum(np.maximum(far_across, far_down), np.finfo(float).tiny)
    largest = centre >= _LOW
    # On both sides the strength between the nearest neighbour and the next diagonal one must not be larger.
    for near, diagonal, turned, beside in ((below, right, above, right), (above, left, below, left)):
        next_ = np.where(steep, np.where(falling, strength[near, middle], strength[turned, middle]), strength[here, beside])
        corner = np.where(falling, strength[near, diagonal], strength[turned, diagonal])
        largest &= corner * share + next_ * (1 - share) <= centre
    thin = np.zeros_like(strength)
    thin[here, middle] = np.where(largest, centre, 0)
    return thin


def _tracked(thin: Floats) -> Flags:
    """Return the edges that are strong, or hang together with strong ones."""
    count, labels = cv2.connectedComponents((thin > 0).astype(np.uint8), connectivity=8)
    kept = np.zeros(count, np.bool_)
    kept[labels[thin >= _HIGH]] = True
    return np.asarray(kept[np.asarray(labels)])


def _counted(flags: Flags, block_px: int) -> NDArray[np.int64]:
    rows, columns = (side // block_px for side in flags.shape)
    whole = flags[: rows * block_px, : columns * block_px]
    return np.asarray(whole.reshape(rows, block_px, columns, block_px).sum(axis=(1, 3)))


@lru_cache(maxsize=1)
def _taps() -> Floats:
    """Return (9,) a Gaussian of width 1."""
    weights = np.exp(-0.5 * np.square(np.arange(-_RADIUS, _RADIUS + 1.0)))
    return np.asarray(weights / weights.sum())


@lru_cache(maxsize=8)
def _covered(height: int, width: int) -> Floats:
    """Return which share of the Gaussian lies inside the picture, for each pixel."""
    taps = _taps()
    return np.asarray(cv2.sepFilter2D(np.ones((height, width)), -1, taps, taps, borderType=cv2.BORDER_CONSTANT) + np.finfo(float).eps)
