"""Small pictures of clips for tables and galleries."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

THUMBNAIL_PX = 96
_QUALITY = 75


def thumbnail_of(rgb: NDArray[np.uint8]) -> bytes:
    """Return a small JPEG of a picture."""
    height, width = rgb.shape[:2]
    size = (max(1, round(width * THUMBNAIL_PX / max(height, width))), max(1, round(height * THUMBNAIL_PX / max(height, width))))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])
