"""Frames from their JPEG bytes: decoded no finer than needed, cut to a window, in the size of the networks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.training.images.face_window import FaceWindow
from storage_schemas.errors import StoreError

Picture = NDArray[np.uint8]

# A JPEG decoder can leave out the fine half, three quarters or seven eighths of the picture at less work.
_REDUCED = ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2))


def decode_frame(jpeg: bytes | memoryview, window: FaceWindow, size_px: int, crop_px: int, surroundings_px: int = 0) -> Picture:
    """Return the window of a frame as (size + 2 surroundings, likewise, 3) uint8 RGB.

    Args:
        jpeg: of a square crop.
        window: that is cut out.
        size_px: side of the window in the result.
        crop_px: side of the crop, which tells how finely it must be decoded.
        surroundings_px: of the result, around the window; beyond the crop its edge is repeated.

    Raises:
        StoreError: the bytes are no JPEG.
    """
    side = size_px + 2 * surroundings_px
    picture = np.empty((side, side, 3), np.uint8)
    decode_into(picture, jpeg, window, crop_px, surroundings_px)
    return picture


def decode_into(picture: Picture, jpeg: bytes | memoryview, window: FaceWindow, crop_px: int, surroundings_px: int = 0) -> None:
    """Write the window of a frame and its surroundings into (side, side, 3) uint8; otherwise as `decode_frame`.

    What is left of the shrinking after decoding is less than twofold. It is averaged over areas where decoding was coarse, and so cheap;
    otherwise bilinear, because averaging would take as long as decoding itself.
    """
    side_px = picture.shape[0]
    size_px = side_px - 2 * surroundings_px
    wanted = window.side * crop_px
    flag = next((flag for factor, flag in _REDUCED if wanted / factor >= size_px), None)
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB if flag is None else flag)
    if decoded is None:
        raise StoreError(f"a frame of {len(jpeg)} bytes is no JPEG; run `flowvqtalker dataset verify`")
    cut = _cut(np.asarray(decoded, np.uint8), window, surroundings_px / size_px)
    if len(cut) == side_px:
        picture[:] = cut
    else:
        cv2.resize(cut, (side_px, side_px), dst=picture, interpolation=cv2.INTER_LINEAR if flag is None else cv2.INTER_AREA)
    if flag is not None:
        cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, dst=picture)


def _cut(crop: Picture, window: FaceWindow, around: float) -> Picture:
    """Return the window of a crop with so many sides of it around."""
    left, top, side = window.pixels(len(crop))
    margin = round(around * side)
    left, top, side = left - margin, top - margin, side + 2 * margin
    above, below, before, after = max(0, -top), max(0, top + side - len(crop)), max(0, -left), max(0, left + side - len(crop))
    cut = crop[max(0, top) : top + side, max(0, left) : left + side]
    if not above + below + before + after:
        return cut
    return np.asarray(cv2.copyMakeBorder(cut, above, below, before, after, cv2.BORDER_REPLICATE), np.uint8)
