"""Drawing the outline of a face's landmarks on a small picture of it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_CLOSED_OUTLINES = (
    # face, outer lips, inner lips, eyes, irises
    (10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132,
     93, 234, 127, 162, 21, 54, 103, 67, 109),
    (291, 375, 321, 405, 314, 17, 84, 181, 91, 146, 61, 185, 40, 39, 37, 0, 267, 269, 270, 409),
    (308, 324, 318, 402, 317, 14, 87, 178, 88, 95, 78, 191, 80, 81, 82, 13, 312, 311, 310, 415),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (474, 475, 476, 477),
    (469, 470, 471, 472),
)  # fmt: skip
_OPEN_OUTLINES = (
    # brows, bridge of the nose, nostrils
    (70, 63, 105, 66, 107), (46, 53, 52, 65, 55), (300, 293, 334, 296, 336), (276, 283, 282, 295, 285),
    (168, 6, 197, 195, 5, 4), (64, 98, 97, 2, 326, 327, 294),
)  # fmt: skip
"""Indices into MediaPipe's 478 landmarks; the chains of its FACEMESH_* connection sets."""

_LINE_BGR = (255, 214, 64)
_LINE_SHARE = 0.7
"""How far the lines cover the picture: eyes and lips stay visible."""
_SUBPIXEL_BITS = 4


def draw_landmarks(image_bgr: NDArray[np.uint8], landmarks_px: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a copy of a picture with the outlines of face, brows, eyes, irises, nose and lips drawn on it.

    Args:
        image_bgr: uint8 (height, width, 3).
        landmarks_px: float32 (478, 2 or 3) in pixels of this picture, x right, y down; all NaN where no face was found, and then nothing
            is drawn.
    """
    drawn = image_bgr.copy()
    points = landmarks_px[:, :2]
    if not np.isfinite(points).all():
        return drawn
    # A point far outside would overflow OpenCV's fixed-point coordinates.
    limit = 4 * max(image_bgr.shape[:2])
    fixed = np.round(np.clip(points, -limit, limit) * 2**_SUBPIXEL_BITS).astype(np.int32)
    for outlines, closed in ((_CLOSED_OUTLINES, True), (_OPEN_OUTLINES, False)):
        chains = [fixed[list(outline)].reshape(-1, 1, 2) for outline in outlines]
        cv2.polylines(drawn, chains, closed, _LINE_BGR, 1, cv2.LINE_AA, _SUBPIXEL_BITS)
    blended = cv2.addWeighted(drawn, _LINE_SHARE, image_bgr, 1 - _LINE_SHARE, 0.0)
    return np.asarray(blended, np.uint8)


def thumbnail_jpeg(jpeg: bytes, landmarks_px: NDArray[np.float32] | None, side_px: int = 160, quality: int = 82) -> bytes:
    """Return a small JPEG of a square crop with its landmarks drawn.

    Args:
        jpeg: the crop as stored.
        landmarks_px: float32 (478, 2 or 3) in pixels of the crop, NaN where undetected; None: nothing is drawn.
        side_px: side of the result in pixels.
        quality: JPEG quality of the result, 0 to 100.

    Raises:
        ValueError: the bytes are not a picture that OpenCV decodes.
    """
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if image is None:
        msg = f"expected a JPEG to draw landmarks on, found {len(jpeg)} bytes that do not decode"
        raise ValueError(msg)
    scale = side_px / image.shape[1]
    small = np.asarray(cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)
    if landmarks_px is not None:
        # Pixel centres lie at whole numbers, so scaling is about the corner at -0.5.
        small = draw_landmarks(small, (landmarks_px[:, :2] + 0.5) * np.float32(scale) - np.float32(0.5))
    return cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1])[1].tobytes()
