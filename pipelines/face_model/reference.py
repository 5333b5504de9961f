"""The reference face: a mean MediaPipe mesh that fixes the axes, the unit, the zero of pose and the triangles of learned models.

`reference_face.json` is our own measurement: refined FaceMesh landmarks of eleven speakers in video, aligned, averaged and made
left-right symmetric. Averaged over frames, MediaPipe's depth agrees with its canonical face model (slope 0.96 to 1.03 over 14
faces), while that of single frames drifts; so the mean takes its depth from here and frames count for theirs at a low weight.

Triangles are needed as a list; MediaPipe 0.10 only gives the edges of its tessellation. Of their 854 3-cycles two are no faces
(the sides of the nostrils, 49-64-129 and 279-294-358); the other 852 are the skin. Its three holes are closed by strips between
the lids and between the lips, and each iris is a fan around its centre that lies over the eye.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from importlib.resources import files

import numpy as np
import orjson
from numpy.typing import NDArray

from pipelines.face_model.rotations import FloatArray


class TriangleGroup(IntEnum):
    """What a triangle of a face mesh covers."""

    SKIN = 0
    EYES = 1
    MOUTH = 2
    IRIS = 3


@dataclass(frozen=True)
class ReferenceFace:
    """Geometry of MediaPipe's 478 landmarks on a mean face.

    Attributes:
        points: (478, 3) float64; x right in the image, y up, z towards the camera; origin midway between the outer eye corners
            (33 and 263), whose distance is 1.
        motion: (478,) float64, root mean square in-plane movement of each point by expression, same unit.
        mirror: (478,) int64, the landmark on the other side of the face; its own index on the midline.
        triangles: (906, 3) int32, counter-clockwise seen from the camera.
        triangle_groups: (906,) uint8, `TriangleGroup`.
    """

    points: FloatArray
    motion: FloatArray
    mirror: NDArray[np.int64]
    triangles: NDArray[np.int32]
    triangle_groups: NDArray[np.uint8]


@lru_cache(maxsize=1)
def load_reference_face() -> ReferenceFace:
    """Return the reference face; its arrays are read-only."""
    stored = orjson.loads(files("pipelines.face_model").joinpath("reference_face.json").read_bytes())
    lists = [np.array(stored["triangles"][group.name.lower()], dtype=np.int32) for group in TriangleGroup]
    face = ReferenceFace(
        points=np.array(stored["points"], dtype=np.float64),
        motion=np.array(stored["motion"], dtype=np.float64),
        mirror=np.array(stored["mirror"], dtype=np.int64),
        triangles=np.concatenate(lists),
        triangle_groups=np.repeat(np.array(list(TriangleGroup), dtype=np.uint8), [len(part) for part in lists]),
    )
    for array in (face.points, face.motion, face.mirror, face.triangles, face.triangle_groups):
        array.setflags(write=False)
    return face
