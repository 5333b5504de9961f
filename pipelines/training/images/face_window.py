"""The still window of a clip: a square of its crop, a fixed number of inter-ocular distances wide, in which the pictures are made.

Crops hold the whole head and more, so that it may move; at 128 px little would be left for eyes and mouth. Everything is in shares of
the crop's side, and follows from the clip's poses (rho) alone, so that a portrait gets its window by the same rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

_BELOW_EYES_IODS = 0.4
"""How far the centre of a window lies below the middle between the eyes: eyes and mouth are about as far from the edges."""
_GRID = 64
"""Windows lie on a grid of this many squares across the crop, so that they are whole pixels of crops decoded coarsely too."""
_SIZE = 5


@dataclass(frozen=True)
class FaceWindow:
    """A square of a crop, in shares of the crop's side.

    Attributes:
        left, top: its corner, 0..1, y down.
        side: 0..1.
    """

    left: float
    top: float
    side: float

    def pose(self, rho: NDArray[Any]) -> Float32Array:
        """Return poses (..., 6) of the crop as poses of the window: turns stay, places and size are in shares of its side."""
        moved = np.array(rho, np.float32)
        moved[..., 3] = (moved[..., 3] + 0.5 - self.left) / self.side - 0.5
        moved[..., 4] = (moved[..., 4] - 0.5 + self.top) / self.side + 0.5
        moved[..., _SIZE] /= self.side
        return moved

    def points(self, points: NDArray[Any]) -> Float32Array:
        """Return points (..., 2) of the crop, x right and y down, as points of the window."""
        return np.asarray((np.asarray(points, np.float32) - (self.left, self.top)) / self.side, np.float32)

    def pixels(self, crop_px: int) -> tuple[int, int, int]:
        """Return left, top and side in whole pixels of a crop of this side; inside it."""
        side = min(crop_px, max(1, round(self.side * crop_px)))
        left, top = (min(max(0, round(start * crop_px)), crop_px - side) for start in (self.left, self.top))
        return left, top, side


WHOLE_CROP = FaceWindow(0.0, 0.0, 1.0)


def face_window(rho: NDArray[Any], window_iods: float) -> FaceWindow:
    """Return the window of a clip, or of a portrait.

    Args:
        rho: (frames, 6) poses in the crop; medians count.
        window_iods: side in inter-ocular distances; 0: the whole crop. Windows stay inside the crop, so are no larger than it.
    """
    if not window_iods:
        return WHOLE_CROP
    x, y, size = np.median(np.asarray(rho, np.float64)[:, 3:], axis=0)
    # An even side, so that an eighth of it, the surroundings of portraits, is whole pixels too.
    side = min(_GRID, max(2, 2 * round(window_iods * size * _GRID / 2)))
    centre = (0.5 + x, 0.5 - y + _BELOW_EYES_IODS * size)
    left, top = (min(max(0, round(place * _GRID - side / 2)), _GRID - side) for place in centre)
    return FaceWindow(left / _GRID, top / _GRID, side / _GRID)
