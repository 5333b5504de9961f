"""Wavefront OBJ text of a mesh, for looking at a face model in other programs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.rotations import FloatArray


def obj_text(points: FloatArray, triangles: NDArray[np.int32]) -> str:
    """Return a mesh as OBJ.

    Args:
        points: (vertices, 3) in model axes and units.
        triangles: (triangles, 3) vertex numbers from 0, counter-clockwise seen from outside; OBJ counts from 1.
    """
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in points.tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (triangles + 1).tolist()]
    return "\n".join(lines) + "\n"
