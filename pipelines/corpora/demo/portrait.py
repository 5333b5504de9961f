"""The portrait every demo clip is made from, and the face mesh found on it.

The portrait is NASA's photograph of Eileen Collins (public domain), which lies inside the scikit-image wheel as
`skimage.data.astronaut()`: nothing is downloaded. The mesh in ``portrait_mesh.json`` was measured once with MediaPipe 0.10.21
FaceMesh (refined landmarks; median over 12 crops and scales), so that a corpus does not depend on how one processor rounds the
landmark network; its triangles are the 852 three-cliques of FACEMESH_TESSELATION that are faces, wound alike. A test repeats the
measurement.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import cv2
import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Image = npt.NDArray[np.uint8]

FACE_POINTS = 468
ALL_POINTS = 478  # with five points for each iris

_CENTRE_PX = (226.0, 113.0)  # of the square that becomes the frame, in the 512 px portrait
_SIDE_PX = 240.0
_TILT_RAD = 0.0449  # roll of the plane of symmetry of the measured landmarks; taken out, so that the face is upright


@dataclass(frozen=True)
class Portrait:
    """The portrait as one square frame, upright.

    Attributes:
        image: RGB uint8 (size, size, 3).
        points: float64 (478, 3) landmarks in frame pixels; x right, y down, z away from the camera, same scale.
        scale: frame pixels per portrait pixel.
        mirrored: whether left and right are exchanged.
    """

    image: Image
    points: Float
    scale: float
    mirrored: bool

    @property
    def size_px(self) -> int:
        """Side of the frame in pixels."""
        return int(self.image.shape[0])

    def to_frame(self, portrait_px: Float) -> Float:
        """Return portrait coordinates (n, 2) as frame coordinates (n, 2)."""
        frame = portrait_px @ _frame_from_portrait(self.size_px)[:, :2].T + _frame_from_portrait(self.size_px)[:, 2]
        if self.mirrored:
            frame[:, 0] = self.size_px - 1 - frame[:, 0]
        return np.asarray(frame)


@cache
def _mesh_file() -> dict[str, list[list[float]]]:
    text = resources.files(__package__).joinpath("portrait_mesh.json").read_text(encoding="utf-8")
    loaded: dict[str, list[list[float]]] = json.loads(text)
    return loaded


def face_triangles() -> Index:
    """Return the triangles (852, 3) of the face mesh; eyes and mouth are holes; clockwise on screen when they face the camera."""
    return np.asarray(_mesh_file()["triangles"], dtype=np.int64)


def mirror_indices() -> Index:
    """Return for each of the 478 points the index of its mirror image (478,)."""
    return np.asarray(_mesh_file()["mirror"], dtype=np.int64)


def portrait_landmarks() -> Float:
    """Return the measured landmarks (478, 3) in pixels of the 512 px portrait."""
    return np.asarray(_mesh_file()["landmarks_px"], dtype=np.float64)


def _frame_from_portrait(size_px: int) -> Float:
    """Return the 2x3 similarity that turns, scales and shifts the portrait into the frame (pixel centres at whole numbers)."""
    scale = size_px / _SIDE_PX
    cos, sin = np.cos(_TILT_RAD) * scale, np.sin(_TILT_RAD) * scale
    turn = np.array([[cos, sin], [-sin, cos]])
    shift = np.full(2, (size_px - 1) / 2) - turn @ np.asarray(_CENTRE_PX)
    return np.column_stack([turn, shift])


def load_portrait(size_px: int, *, mirrored: bool = False) -> Portrait:
    """Return the portrait enlarged to a square frame of `size_px`, a little sharpened, with its landmarks."""
    from skimage import data  # noqa: PLC0415 - slow to import, and only this function needs it

    affine = _frame_from_portrait(size_px)
    source = np.asarray(data.astronaut(), dtype=np.uint8)  # type: ignore[no-untyped-call]
    image = cv2.warpAffine(source, affine, (size_px, size_px), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    soft = cv2.GaussianBlur(image, (0, 0), 1.4 * size_px / 512)
    image = cv2.addWeighted(image, 1.35, soft, -0.35, 0)
    scale = size_px / _SIDE_PX
    measured = portrait_landmarks()
    points = np.column_stack([measured[:, :2] @ affine[:, :2].T + affine[:, 2], measured[:, 2] * scale])
    if mirrored:
        image = np.ascontiguousarray(image[:, ::-1])
        points[:, 0] = size_px - 1 - points[:, 0]
        points = points[mirror_indices()]
    return Portrait(np.asarray(image, dtype=np.uint8), points, scale, mirrored)
