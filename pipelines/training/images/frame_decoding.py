"""Frames from their JPEG bytes: decoded no finer than needed, cut to a window, in the size of the networks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.training.images.face_window import FaceWindow
from storage_schemas.errors import StoreError

Picture = NDArray[np.uint8]

# A JPEG decoder can leave out the fine half, three quarters or seven eighths of the picture at a fraction of the work.
_REDUCED = ((8, cv2.IMREAD_REDUCED_COLOR_8), (4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2))


def decode_frame(jpeg: bytes | memoryview, window: FaceWindow, size_px: int, crop_px: int) -> Picture:
    """Return the window of a frame as (size, size, 3) uint8 RGB.

    Args:
        jpeg: of a square crop.
        window: that is cut out.
        size_px: side of the result; averaged over areas where the window is larger, bilinear where it is smaller.
        crop_px: side of the crop, which tells how finely it must be decoded.

    Raises:
        StoreError: the bytes are no JPEG.
    """
    wanted = window.side * crop_px
    flag = next((flag for factor, flag in _REDUCED if wanted / factor >= size_px), cv2.IMREAD_COLOR)
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flag)
    if decoded is None:
        raise StoreError(f"a frame of {len(jpeg)} bytes is no JPEG; run `flowvqtalker dataset verify`")
    left, top, side = window.pixels(decoded.shape[0])
    cut = decoded[top : top + side, left : left + side]
    if side != size_px:
        cut = cv2.resize(cut, (size_px, size_px), interpolation=cv2.INTER_AREA if side > size_px else cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(cut, cv2.COLOR_BGR2RGB), np.uint8)
