"""The pixels a piece of video may be cropped from, kept while the piece is being followed.

The crop window is known only when the piece ends. Keeping the tracking region's pixels until then saves a second decode, which is the
dearest stage for large frames. Memory is bounded: a piece that does not fit is dropped here and decoded again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.face_tracking.tracking_region import Region

BUFFER_LIMIT_BYTES = 600 * 2**20
"""Enough for about ten seconds of a head in a 1080p frame; with it the process stays under 1.5 GB."""


class RegionBuffer:
    """Regions of upright source frames by slot, in order, up to a number of bytes."""

    def __init__(self, limit_bytes: int = BUFFER_LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._regions: dict[int, tuple[Region, NDArray[np.uint8]]] = {}
        self._overflowed = False

    def add(self, slot: int, region: Region, pixels: NDArray[np.uint8]) -> None:
        """Keep a region (height, width, 3) uint8; once the limit is passed, keep nothing until `discard_before`."""
        if self._overflowed:
            return
        self._bytes += pixels.nbytes
        if self._bytes > self._limit_bytes:
            self._regions.clear()
            self._bytes = 0
            self._overflowed = True
            return
        self._regions[slot] = (region, pixels)

    def __contains__(self, slot: int) -> bool:
        return slot in self._regions

    def __getitem__(self, slot: int) -> tuple[Region, NDArray[np.uint8]]:
        return self._regions[slot]

    def discard_before(self, slot: int) -> None:
        """Forget the slots before one, and start keeping again if the limit had been passed."""
        for earlier in [kept for kept in self._regions if kept < slot]:
            self._bytes -= self._regions.pop(earlier)[1].nbytes
        self._overflowed = False
