"""The fitted mesh in the crop: its points, and the triangles that motion is carried by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.basis import FaceModel
from pipelines.face_model.camera import project
from pipelines.face_model.reference import TriangleGroup
from pipelines.face_model.rotations import FloatArray


def mesh_in_crop(model: FaceModel, identity: FloatArray, expression: FloatArray, pose: FloatArray, size_px: float) -> FloatArray:
    """Return the vertices (..., vertices, 3) of fitted faces in crop pixels (x right, y down, z away from the camera).

    Args:
        model: the face model that the coefficients belong to.
        identity: (..., identity modes).
        expression: (..., 64).
        pose: (..., 6) rho.
        size_px: side of the crop.
    """
    return project(model.shape(identity, expression), np.asarray(pose, dtype=np.float64), size_px)


def surface_triangles(model: FaceModel) -> NDArray[np.int32]:
    """Return (triangles, 3) the closed surface of the face: skin, eyes and mouth, without the irises that lie over the eyes."""
    return np.ascontiguousarray(model.triangles[model.triangle_groups != TriangleGroup.IRIS])
