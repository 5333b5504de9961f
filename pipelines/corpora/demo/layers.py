"""What lies behind the openings of the skin: polygons drawn with soft edges, and patches that move with the skull."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.corpora.demo.portrait import Float, Image

Float32 = np.ndarray[tuple[int, ...], np.dtype[np.float32]]

_OVERSAMPLING = 4


@dataclass(frozen=True)
class Window:
    """A rectangle of the frame: columns x..x+width, rows y..y+height."""

    x: int
    y: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the rectangle, to index an image."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)


def window_around(points: Float, margin_px: float, size_px: int) -> Window | None:
    """Return the rectangle round points (n, 2) with a margin, cut to the frame; None if nothing is left."""
    low = np.clip(np.floor(points.min(axis=0) - margin_px), 0, size_px).astype(int)
    high = np.clip(np.ceil(points.max(axis=0) + margin_px) + 1, 0, size_px).astype(int)
    if np.any(high - low < 2):
        return None
    return Window(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))


def soft_polygon(points: Float, window: Window) -> Float32:
    """Return the coverage (height, width) 0..1 of a polygon (n, 2) by four-fold oversampling."""
    large = np.zeros((window.height * _OVERSAMPLING, window.width * _OVERSAMPLING), dtype=np.uint8)
    corners = (points - (window.x, window.y) + 0.5) * _OVERSAMPLING - 0.5
    cv2.fillPoly(large, [np.round(corners * 16).astype(np.int32)], (255,), cv2.LINE_8, 4)
    small = cv2.resize(large, (window.width, window.height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32) / 255


def soft_outline(points: Float, width_px: float, window: Window) -> Float32:
    """Return the coverage (height, width) 0..1 of the closed line through points (n, 2)."""
    large = np.zeros((window.height * _OVERSAMPLING, window.width * _OVERSAMPLING), dtype=np.uint8)
    corners = (points - (window.x, window.y) + 0.5) * _OVERSAMPLING - 0.5
    fixed = np.round(corners * 16).astype(np.int32)
    cv2.polylines(large, [fixed], True, (255,), max(1, round(width_px * _OVERSAMPLING)), cv2.LINE_8, 4)
    small = cv2.resize(large, (window.width, window.height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32) / 255


def blurred(values: Float32, sigma_px: float) -> Float32:
    """Return values blurred by a Gaussian, beyond the edge counted as zero."""
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma_px, borderType=cv2.BORDER_CONSTANT), dtype=np.float32)


def placed(patch: Float32, affine: Float, window: Window) -> Float32:
    """Return a patch in the window's pixels; `affine` (2, 3) takes patch coordinates to frame coordinates."""
    shifted = affine.copy()
    shifted[:, 2] -= (window.x, window.y)
    warped = cv2.warpAffine(patch, shifted, (window.width, window.height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, dtype=np.float32)


def blend(image: Image, window: Window, colour: Float32, cover: Float32) -> None:
    """Lay colour (height, width, 3) over the image in place, by the share `cover` (height, width)."""
    rows, columns = window.slices
    under = image[rows, columns].astype(np.float32)
    under += (colour - under) * cover[..., None]
    image[rows, columns] = np.clip(under + 0.5, 0, 255).astype(np.uint8)


def plane_affine(rotation: Float, rest: Float, now: Float, nearness: float) -> Float:
    """Return the (2, 3) map of a small plane that faces the camera at rest, with its point `rest` (3,) now at `now` (3,)."""
    turn = rotation[:2, :2] * nearness
    return np.column_stack([turn, now[:2] - turn @ rest[:2]])
