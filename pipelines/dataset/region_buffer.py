"""The pixels a piece of video may be cropped from, kept while the piece is being followed.

The crop window is known only when the piece ends. Keeping the tracking region's pixels until then saves a second decode, which is the
dearest stage for large frames. Memory is bounded: a piece that does not fit is dropped here and decoded again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BUFFER_LIMIT_BYTES = 600 * 2**20
"""Enough for about ten seconds of a head in a 1080p frame; with it the process stays under 1.5 GB."""


@dataclass(frozen=True, eq=False)
class RegionPixels:
    """Part of one upright source frame: RGB uint8 (height, width, 3) whose top left pixel is (x_px, y_px) of the frame."""

    x_px: int
    y_px: int
    rgb: NDArray[np.uint8]

    def contains(self, left_px: float, top_px: float, right_px: float, bottom_px: float) -> bool:
        """Say whether the rectangle, in frame pixels, lies inside."""
        height, width = self.rgb.shape[:2]
        return left_px >= self.x_px and top_px >= self.y_px and right_px <= self.x_px + width and bottom_px <= self.y_px + height


class RegionBuffer:
    """Regions by source frame index, in order, up to a number of bytes."""

    def __init__(self, limit_bytes: int = BUFFER_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._regions: dict[int, RegionPixels] = {}
        self._overflowed = False

    def add(self, source_index: int, frame: NDArray[np.uint8], region: tuple[int, int, int, int]) -> None:
        """Keep a copy of a frame's region (left, top, right, bottom); once the limit is passed, keep nothing until `discard_before`."""
        if self._overflowed:
            return
        left, top, right, bottom = region
        pixels = frame[top:bottom, left:right].copy()
        self._bytes += pixels.nbytes
        if self._bytes > self._limit_bytes:
            self._clear()
            self._overflowed = True
            return
        self._regions[source_index] = RegionPixels(left, top, pixels)

    def get(self, source_index: int) -> RegionPixels | None:
        """Return what is kept of a frame."""
        return self._regions.get(source_index)

    def discard_before(self, source_index: int) -> None:
        """Forget the frames before an index, and start keeping again if the limit had been passed."""
        for index in [index for index in self._regions if index < source_index]:
            self._bytes -= self._regions.pop(index).rgb.nbytes
        self._overflowed = False

    def _clear(self) -> None:
        self._regions.clear()
        self._bytes = 0
