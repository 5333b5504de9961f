"""Pasting a generated square back into the picture that it was cut out of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.rendering.portrait_frame import SquareWindow

LARGEST_PX = 1920
"""Larger pictures are shrunk, so that players keep up."""
_FEATHER_SHARE = 0.08
PICTURE_FILE = "picture.npy"


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of even sides and the window of it that frames take the place of.

    Attributes:
        rgb: (height, width, 3) uint8.
        window: in its pixels; may reach beyond its edges.
    """

    rgb: NDArray[np.uint8]
    window: SquareWindow

    def __post_init__(self) -> None:
        height, width = self.rgb.shape[:2]
        size = self.window.size_px
        left, top = max(0, self.window.x_px), max(0, self.window.y_px)
        right, bottom = min(width, self.window.x_px + size), min(height, self.window.y_px + size)
        inside = (slice(top - self.window.y_px, bottom - self.window.y_px), slice(left - self.window.x_px, right - self.window.x_px))
        object.__setattr__(self, "_inside", inside)
        object.__setattr__(self, "_place", (slice(top, bottom), slice(left, right)))
        object.__setattr__(self, "_weights", _feathered(self.window, width, height)[inside][..., None])

    def with_face(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the picture with a frame (size, size, 3) in its window, the window's edges blended; nothing else changes."""
        size = self.window.size_px
        interpolation = cv2.INTER_CUBIC if size > len(frame) else cv2.INTER_AREA
        inside, place, weights = (getattr(self, name) for name in ("_inside", "_place", "_weights"))
        face = cv2.resize(frame, (size, size), interpolation=interpolation)[inside].astype(np.float32)
        shown = self.rgb.copy()
        shown[place] = (weights * face + (1 - weights) * shown[place]).round().astype(np.uint8)
        return shown

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the pixels to a folder and return JSON values for `read`."""
        np.save(folder / PICTURE_FILE, self.rgb)
        return {"file": str(folder / PICTURE_FILE), "window": [self.window.x_px, self.window.y_px, self.window.size_px]}

    @classmethod
    def read(cls, values: dict[str, Any]) -> Picture:
        """Return what `save` wrote."""
        return cls(np.load(values["file"], allow_pickle=False), SquareWindow(*values["window"]))


def picture_around(rgb: NDArray[np.uint8], window: SquareWindow) -> Picture:
    """Return a picture made ready: at most `LARGEST_PX` wide or high, with even sides."""
    height, width = rgb.shape[:2]
    factor = min(1.0, LARGEST_PX / max(height, width))
    new_width, new_height = (max(2, int(side * factor) // 2 * 2) for side in (width, height))
    scale_x, scale_y = new_width / width, new_height / height
    resized = rgb if (new_width, new_height) == (width, height) else cv2.resize(rgb, (new_width, new_height), interpolation=cv2.INTER_AREA)
    size = max(1, round(window.size_px * scale_x))
    return Picture(np.ascontiguousarray(resized, np.uint8), SquareWindow(round(window.x_px * scale_x), round(window.y_px * scale_y), size))


def _feathered(window: SquareWindow, width_px: int, height_px: int) -> NDArray[np.float32]:
    """Return weights (size, size) that fall to 0 at those edges of the window that lie within the picture."""
    size = window.size_px
    width = max(1.0, _FEATHER_SHARE * size)
    rising = np.clip((np.arange(size) + 0.5) / width, 0, 1)
    falling = rising[::-1]
    flat = np.ones(size)
    across = (rising if window.x_px > 0 else flat) * (falling if window.x_px + size < width_px else flat)
    down = (rising if window.y_px > 0 else flat) * (falling if window.y_px + size < height_px else flat)
    smooth = [side * side * (3 - 2 * side) for side in (down, across)]
    return np.outer(*smooth).astype(np.float32)
