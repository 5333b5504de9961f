"""Named points among MediaPipe's 478 landmarks, and what is measured between them.

Left and right are the person's own; a point on the person's right is left in the image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.rotations import FloatArray

RIGHT_EYE_OUTER, LEFT_EYE_OUTER = 33, 263
MIDLINE_LIPS = (13, 14)  # inner edges of the upper and lower lip
MOUTH_CORNERS = (61, 291)
# Pairs of lid points, upper over lower, away from the corners.
RIGHT_LID_PAIRS = ((160, 144), (159, 145), (158, 153))
LEFT_LID_PAIRS = ((387, 373), (386, 374), (385, 380))
RIGHT_LIDS = (33, 246, 161, 160, 159, 158, 157, 173, 133, 7, 163, 144, 145, 153, 154, 155)
LEFT_LIDS = (263, 466, 388, 387, 386, 385, 384, 398, 362, 249, 390, 373, 374, 380, 381, 382)
RIGHT_BROW = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55)
LEFT_BROW = (300, 293, 334, 296, 336, 276, 283, 282, 295, 285)
OUTER_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
IRISES = tuple(range(468, 478))
# Forehead, nose bridge and eye corners: bone under skin that speech hardly moves; jitter is measured on them.
RIGID_POINTS = (10, 67, 109, 151, 297, 338, 9, 8, 168, 6, 197, 195, 33, 133, 362, 263)

# The 68 points of iBUG (and of BFM's keypoints in Deep3DFaceRecon's file), in order, as MediaPipe landmarks: jaw line 0-16 from
# the image's left, brows 17-26, nose 27-35, eyes 36-47, outer lips 48-59, inner lips 60-67. Checked on a clip for which both
# are known: median distance 4 px of a 174 px face, the jaw line (a visible contour in iBUG) up to 9, all others within 5.
MEDIAPIPE_OF_68 = (
    *(127, 234, 132, 58, 172, 136, 150, 176, 152, 400, 379, 365, 397, 288, 361, 454, 356),
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
    *(78, 82, 13, 312, 308, 317, 14, 87),
)


def _distance(points: FloatArray, first: int, second: int) -> FloatArray:
    step = points[..., first, :] - points[..., second, :]
    return np.asarray(np.sqrt((step * step).sum(axis=-1)))


def mouth_opening(points: FloatArray) -> FloatArray:
    """Return the distance of the inner lips on the midline, (...,) for points (..., 478, 2 or 3), in their unit."""
    return _distance(points, *MIDLINE_LIPS)


def mouth_width(points: FloatArray) -> FloatArray:
    """Return the distance of the mouth corners."""
    return _distance(points, *MOUTH_CORNERS)


def eye_opening(points: FloatArray) -> FloatArray:
    """Return the (..., 2) mean distance of the lids of the right and the left eye."""
    sides = [np.mean([_distance(points, *pair) for pair in pairs], axis=0) for pairs in (RIGHT_LID_PAIRS, LEFT_LID_PAIRS)]
    return np.stack(sides, axis=-1)


def brow_height(points: FloatArray) -> FloatArray:
    """Return the (..., 2) distance of the middle of the right and the left brow from the line of that eye's corners."""
    heights = []
    for brow, (outer, inner) in ((RIGHT_BROW, (33, 133)), (LEFT_BROW, (263, 362))):
        middle = points[..., list(brow), :].mean(axis=-2)
        eye = (points[..., outer, :] + points[..., inner, :]) / 2
        heights.append(np.sqrt(((middle - eye) ** 2).sum(axis=-1)))
    return np.stack(heights, axis=-1)


def index_array(points: tuple[int, ...]) -> NDArray[np.int64]:
    """Return point numbers as an index array."""
    return np.array(points, dtype=np.int64)
