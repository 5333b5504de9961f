"""The square of a picture that a generator is shown: the face lies in it as it does in the generator's training clips."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.camera import pose_in_other_crop
from pipelines.face_model.rotations import FloatArray


@dataclass(frozen=True)
class FacePlace:
    """Where a face lies in a square picture, as in rho: from its centre, x right and y up, and its scale, in shares of the side.

    Attributes:
        x, y: of the point midway between the outer eye corners.
        scale: distance of the outer eye corners, seen from the front.
        surroundings: how much of the picture around the square goes with it, at each side.
    """

    x: float
    y: float
    scale: float
    surroundings: float = 0.0


@dataclass(frozen=True)
class SquareWindow:
    """A square of whole pixels of a picture; it may reach beyond the picture's edges."""

    x_px: int
    y_px: int
    size_px: int

    @property
    def centre(self) -> NDArray[np.float64]:
        """(2,) x and y in pixels of the picture."""
        return np.array([self.x_px, self.y_px]) + self.size_px / 2

    def enlarged(self, share: float) -> SquareWindow:
        """Return the window with this share of its side more at each side."""
        margin = round(share * self.size_px)
        return SquareWindow(self.x_px - margin, self.y_px - margin, self.size_px + 2 * margin)

    def share_outside(self, width_px: int, height_px: int) -> float:
        """Return the share of the window's area, 0..1, that lies beyond a picture of these sides."""
        inside_x = max(0, min(self.x_px + self.size_px, width_px) - max(self.x_px, 0))
        inside_y = max(0, min(self.y_px + self.size_px, height_px) - max(self.y_px, 0))
        return 1 - inside_x * inside_y / self.size_px**2


def window_for(pose: FloatArray, window: SquareWindow, place: FacePlace) -> SquareWindow:
    """Return the window in which a face has a place.

    Args:
        pose: (6,) rho of the face in `window`.
        window: a square of the same picture.
        place: where the face shall lie.
    """
    enlarged = pose[5] / place.scale
    size = window.size_px * enlarged
    eyes = window.centre + np.array([pose[3], -pose[4]]) * window.size_px
    centre = eyes - np.array([place.x, -place.y]) * size
    # Eighths of the side are whole pixels, so that surroundings of an eighth meet the window exactly.
    side = max(8, 8 * round(size / 8))
    left, top = (round(value) for value in centre - side / 2)
    return SquareWindow(left, top, side)


def pose_in_window(pose: FloatArray, window: SquareWindow, other: SquareWindow) -> FloatArray:
    """Return poses (..., 6) of `window` as they are in another window of the same picture."""
    shift = (window.centre - other.centre) / other.size_px
    lead = pose.shape[:-1]
    scale = np.full(lead, window.size_px / other.size_px)
    return pose_in_other_crop(pose, scale, np.broadcast_to(np.array([shift[0], -shift[1]]), (*lead, 2)))


def cut_window(rgb: NDArray[np.uint8], window: SquareWindow, size_px: int) -> NDArray[np.uint8]:
    """Return a window (size_px, size_px, 3) of a picture; what lies beyond the picture repeats its edge."""
    height, width = rgb.shape[:2]
    left, top = max(0, -window.x_px), max(0, -window.y_px)
    right, bottom = max(0, window.x_px + window.size_px - width), max(0, window.y_px + window.size_px - height)
    inside = rgb[max(0, window.y_px) : max(0, window.y_px + window.size_px), max(0, window.x_px) : max(0, window.x_px + window.size_px)]
    if inside.size == 0:
        raise ValueError(f"window {window} lies outside the picture of {width} x {height} px")
    pixels = cv2.copyMakeBorder(inside, top, bottom, left, right, cv2.BORDER_REPLICATE)
    interpolation = cv2.INTER_AREA if window.size_px > size_px else cv2.INTER_CUBIC
    return np.ascontiguousarray(cv2.resize(pixels, (size_px, size_px), interpolation=interpolation), np.uint8)
