"""Frames with a real face: the public-domain portrait of Eileen Collins from scikit-image, put anywhere at any size."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

# The head of the portrait, and the face box in it (eyebrows to chin, as the detector draws it).
_HEAD = (slice(0, 230), slice(110, 340))
_FACE_IN_HEAD = (58.0, 66.0, 166.0, 174.0)


@cache
def head(face_height_px: int) -> NDArray[np.uint8]:
    """Return the portrait's head, scaled so that its face is so high."""
    from skimage import data  # noqa: PLC0415

    scale = face_height_px / (_FACE_IN_HEAD[3] - _FACE_IN_HEAD[1])
    pixels = data.astronaut()[_HEAD]
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=interpolation), np.uint8)


@cache
def background(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return a smooth coloured background without faces; another seed is another scene."""
    coarse = np.random.default_rng(seed).integers(30, 220, (4, 6, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def frame_with_faces(
    width: int, height: int, faces: list[tuple[float, float, int]], seed: int = 0, *, mirrored: bool = False
) -> NDArray[np.uint8]:
    """Return (height, width, 3) uint8 with faces given as centre x, centre y and face height in pixels; parts outside are cut off."""
    frame = background(width, height, seed).copy()
    for centre_x, centre_y, face_height_px in faces:
        pixels = head(face_height_px)[:, ::-1] if mirrored else head(face_height_px)
        scale = face_height_px / (_FACE_IN_HEAD[3] - _FACE_IN_HEAD[1])
        face_x = (_FACE_IN_HEAD[0] + _FACE_IN_HEAD[2]) / 2 * scale
        face_x = pixels.shape[1] - face_x if mirrored else face_x
        shift = np.array([[1, 0, centre_x - face_x], [0, 1, centre_y - (_FACE_IN_HEAD[1] + _FACE_IN_HEAD[3]) / 2 * scale]])
        cv2.warpAffine(pixels, shift, (width, height), dst=frame, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
    return frame
