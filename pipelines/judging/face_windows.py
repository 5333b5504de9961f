"""The upright windows of a face that judges look at, cut out of frames by landmarks.

Turns and moves of the head in the picture are taken out with points on bone; what is left is what the face itself does. So the windows
are the same for a dataset's crops and for any other video with landmarks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from pipelines.face_model.landmark_points import RIGID_POINTS
from pipelines.face_model.reference import load_reference_face

Windows = NDArray[np.uint8]
ComplexArray = NDArray[np.complex128]

_SMOOTHING_FRAMES = 1.5
"""Landmarks of single frames shake; a shaking window would look like a moving mouth."""
_COARSE_FROM = 0.9
"""A picture that was decoded coarsely may be this share of the size that is wanted."""


@dataclass(frozen=True)
class FacePlace:
    """A square on the face, in inter-ocular distances.

    Attributes:
        below_eyes: of its centre below the middle between the outer eye corners.
        side: of the square.
    """

    below_eyes: float
    side: float


MOUTH = FacePlace(below_eyes=0.92, side=1.1)
"""From under the nose to the chin of an open mouth."""
FACE = FacePlace(below_eyes=0.4, side=1.6)
"""From above the brows to the chin."""


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """Where the face is in each frame: the map z -> scale z + origin from the upright face to pixels, as complex numbers.

    Attributes:
        scale: (frames,) inter-ocular distance in pixels, turned by the roll of the head.
        origin: (frames,) middle between the outer eye corners.
    """

    scale: ComplexArray
    origin: ComplexArray

    def __len__(self) -> int:
        return len(self.scale)

    def part(self, frames: slice | NDArray[np.int64]) -> FaceTrack:
        """Return some of the frames."""
        return FaceTrack(self.scale[frames], self.origin[frames])

    def matrix(self, frame: int, place: FacePlace, size_px: int, reduced: int = 1) -> NDArray[np.float64]:
        """Return the (2, 3) map from pixels of a window to pixels of a frame that was decoded `reduced` times coarser."""
        step = self.scale[frame] * place.side / size_px / reduced
        corner = self.origin[frame] / reduced + self.scale[frame] / reduced * complex(-place.side / 2, place.below_eyes - place.side / 2)
        corner += 0.5 * step - complex(0.5, 0.5)  # pixels are squares whose centres count
        return np.array([[step.real, -step.imag, corner.real], [step.imag, step.real, corner.imag]])

    def coarseness(self, place: FacePlace, size_px: int) -> int:
        """Return how many times coarser frames may be decoded: 1, 2, 4 or 8."""
        wanted = float(np.median(np.abs(self.scale))) * place.side
        return next((factor for factor in (8, 4, 2) if wanted / factor >= _COARSE_FROM * size_px), 1)


def track_face(landmarks_px: NDArray[Any]) -> FaceTrack | None:
    """Return where the face is in each frame; frames without one take its place from those before and after.

    Args:
        landmarks_px: (frames, 478, 2 or more), x right and y down; NaN where no face was found.

    Returns:
        None: no frame has a face.
    """
    points = np.asarray(landmarks_px, np.float64)[:, list(RIGID_POINTS), :2]
    seen = np.flatnonzero(np.isfinite(points).all(axis=(1, 2)))
    if not len(seen):
        return None
    found = points[seen, :, 0] + 1j * points[seen, :, 1]
    wanted, centre = _upright_points()
    scale = (found * wanted.conj()).sum(axis=1) / (np.abs(wanted) ** 2).sum()  # the best turn and size in least squares
    origin = found.mean(axis=1) - scale * centre
    frames = np.arange(len(points))
    return FaceTrack(*(_smoothed(np.interp(frames, seen, values)) for values in (scale, origin)))


def cut_windows(frames: Iterable[NDArray[np.uint8]], track: FaceTrack, place: FacePlace, size_px: int) -> Windows:
    """Return (frames, size, size) uint8 grey windows of frames (h, w, 3) RGB or (h, w) grey."""
    return _cut((_grey(frame) for frame in frames), track, place, size_px, 1)


def decode_windows(jpegs: Iterable[bytes | memoryview], track: FaceTrack, place: FacePlace, size_px: int) -> Windows:
    """Return the same of JPEGs, decoded no finer than needed.

    Raises:
        ValueError: one is no JPEG.
    """
    reduced = track.coarseness(place, size_px)
    flag = {
        1: cv2.IMREAD_GRAYSCALE,
        2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
        8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    }
    return _cut((_decoded(jpeg, flag[reduced]) for jpeg in jpegs), track, place, size_px, reduced)


def _cut(frames: Iterable[NDArray[np.uint8]], track: FaceTrack, place: FacePlace, size_px: int, reduced: int) -> Windows:
    windows = np.empty((len(track), size_px, size_px), np.uint8)
    for number, (window, frame) in enumerate(zip(windows, frames, strict=True)):
        matrix = track.matrix(number, place, size_px, reduced)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(frame, matrix, (size_px, size_px), dst=window, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return windows


def _decoded(jpeg: bytes | memoryview, flag: int) -> NDArray[np.uint8]:
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flag)
    if decoded is None:
        raise ValueError(f"a frame of {len(jpeg)} bytes is no JPEG")
    return np.asarray(decoded, np.uint8)


def _grey(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return frame if frame.ndim == 2 else np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def _smoothed(values: ComplexArray) -> ComplexArray:
    return np.asarray(gaussian_filter1d(values, _SMOOTHING_FRAMES, mode="nearest"), np.complex128)


@lru_cache(maxsize=1)
def _upright_points() -> tuple[ComplexArray, complex]:
    """Return the rigid points of the reference face about their centre, y down, and that centre."""
    points = load_reference_face().points[list(RIGID_POINTS)]
    upright = points[:, 0] - 1j * points[:, 1]
    centre = upright.mean()
    return upright - centre, complex(centre)
