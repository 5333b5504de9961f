"""Frames aligned to a mean shape: turn, size and place of the face in the picture are taken out before anything is compared.

The published protocol aligns nose and eyes of 68 points by a similarity transform to a template and cuts 128 x 128 pixels. Here the lids
are left out, because a blink would move the picture (the published code has a second template for closed eyes), and the template is
the mean MediaPipe face seen from the front. Pixels are squares whose centres count: landmarks are in the same measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.landmark_points import MEDIAPIPE_OF_68
from pipelines.face_model.reference import load_reference_face

Picture = NDArray[np.uint8]
Complexes = NDArray[np.complex128]

FACE_68 = np.array(MEDIAPIPE_OF_68)
"""MediaPipe's landmarks that stand for the 68 points, in their order."""
MOUTH_20 = slice(48, 68)
ALIGNED_OF_68 = (*range(27, 36), 36, 39, 42, 45)
"""Nose and corners of the eyes."""
WINDOW_IODS = 2.2
"""Side of the aligned picture in distances of the outer eye corners."""
BELOW_EYES_IODS = 0.4
"""How far its centre lies below the middle between these corners."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """The maps z -> scale z + origin from pixels of each frame to the unit square, as complex numbers (x + iy, y down).

    Attributes:
        scale, origin: (frames,).
        found: (frames,) bool; where False there was no face, and the map is that of the nearest frame with one.
    """

    scale: Complexes
    origin: Complexes
    found: NDArray[np.bool_]

    def points(self, landmarks_px: NDArray[Any], size_px: int) -> NDArray[np.float64]:
        """Return (frames, n, 2) points in pixels of the aligned picture; NaN where there was no face."""
        flat = landmarks_px[..., 0].astype(np.float64) + 1j * landmarks_px[..., 1]
        moved = (flat * self.scale[:, None] + self.origin[:, None]) * size_px
        return np.stack([moved.real, moved.imag], axis=-1)

    def picture(self, frame: Picture, number: int, size_px: int) -> Picture:
        """Return the aligned picture (size, size, 3) of a frame; what lies outside the frame repeats its border."""
        scale, origin = complex(self.scale[number]) * size_px, complex(self.origin[number]) * size_px
        # Much larger faces are averaged down first: sampling every fourth pixel would make coarse videos look sharp.
        coarser = max(1, int(1 / max(abs(scale), 1e-9)))
        if coarser > 1:
            frame, corner = _averaged(frame, coarser, _seen_part(frame, scale, origin, size_px))
            origin += scale * corner
            scale *= coarser
        shift = origin + scale * (0.5 + 0.5j) - (0.5 + 0.5j)
        matrix = np.array([[scale.real, -scale.imag, shift.real], [scale.imag, scale.real, shift.imag]])
        warped = cv2.warpAffine(frame, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, np.uint8)


def align(landmarks_px: NDArray[Any]) -> Alignment | None:
    """Return the alignment of the frames of a video.

    Args:
        landmarks_px: (frames, 478, 2 or 3), x right and y down; NaN where no face was found.

    Returns:
        None: no frame has a face.
    """
    points = np.asarray(landmarks_px, np.float64)[:, FACE_68[list(ALIGNED_OF_68)], :2]
    found = np.isfinite(points).all(axis=(1, 2))
    seen = np.flatnonzero(found)
    if not len(seen):
        return None
    flat = points[seen, :, 0] + 1j * points[seen, :, 1]
    middle = flat.mean(axis=1)
    centred = flat - middle[:, None]
    target = template()[list(ALIGNED_OF_68)]
    wanted = target - target.mean()
    scale = (centred.conj() * wanted).sum(axis=1) / (np.abs(centred) ** 2).sum(axis=1)
    origin = target.mean() - scale * middle
    nearest = np.abs(np.arange(len(points))[:, None] - seen[None]).argmin(axis=1) if len(seen) < len(points) else np.arange(len(seen))
    return Alignment(scale[nearest], origin[nearest], found)


def _seen_part(frame: Picture, scale: complex, origin: complex, size_px: int) -> NDArray[np.int64]:
    """Return (left, top), (right, bottom) of the part of a frame that its aligned picture shows; at least a pixel, at the nearest edge."""
    corners = (np.array([0, size_px, size_px * 1j, size_px * (1 + 1j)]) - origin) / scale
    places = np.stack([corners.real, corners.imag], axis=-1)
    end = np.array(frame.shape[1::-1])
    first = np.clip(np.floor(places.min(axis=0)), 0, end - 1)
    last = np.clip(np.ceil(places.max(axis=0)), first + 1, end)
    return np.asarray(np.stack([first, last]), np.int64)


def _averaged(frame: Picture, coarser: int, part: NDArray[np.int64]) -> tuple[Picture, complex]:
    """Return a part of a frame with squares of so many pixels averaged into one, and where in the frame it begins.

    The squares are those of the whole frame, and there is one more around the part, so that nothing that is shown depends on the part.
    """
    whole = np.maximum(1, np.array(frame.shape[1::-1]) // coarser)
    left, top = np.clip(part[0] // coarser - 2, 0, whole - 1)
    right, bottom = np.clip(-(-part[1] // coarser) + 2, (left + 1, top + 1), whole)
    cut = frame[top * coarser : bottom * coarser, left * coarser : right * coarser]
    size = (int(right - left), int(bottom - top))
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8), complex(left, top) * coarser


@lru_cache(maxsize=1)
def template() -> Complexes:
    """Return (68,) places of the 68 points in the unit square."""
    points = load_reference_face().points[FACE_68]
    x, y = points[:, 0] / WINDOW_IODS + 0.5, (-points[:, 1] - BELOW_EYES_IODS) / WINDOW_IODS + 0.5
    return np.asarray(x + 1j * y)
