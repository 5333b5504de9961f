"""Eyes and mouth in frames: where they are, how open, and how much their pixels count."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.face_model.landmark_points import LEFT_LIDS, OUTER_LIPS, RIGHT_LIDS, eye_opening, mouth_opening

Float32Array = NDArray[np.float32]

REGIONS = (RIGHT_LIDS, LEFT_LIDS, OUTER_LIPS)
"""Landmarks of the right eye, the left eye and the mouth, in the order of boxes."""
EYES, MOUTH = slice(0, 2), slice(2, 3)
_MARGIN = 0.35
"""Boxes are larger than their landmarks by this share of their width on every side."""
_EYE_CORNERS = (33, 263)


def region_boxes(landmarks: NDArray[Any]) -> Float32Array:
    """Return boxes (frames, 3, 4) left, top, right, bottom of eyes and mouth of landmarks (frames, 478, 2 or 3), in their unit."""
    boxes = []
    for points in REGIONS:
        chosen = np.asarray(landmarks)[:, list(points), :2]
        low, high = chosen.min(axis=1), chosen.max(axis=1)
        margin = _MARGIN * (high[:, :1] - low[:, :1])
        boxes.append(np.concatenate([low - margin, high + margin], axis=1))
    return np.asarray(np.stack(boxes, axis=1), np.float32)


def face_openings(landmarks: NDArray[Any]) -> tuple[Float32Array, Float32Array]:
    """Return the openings (frames,) of eyes (the mean of both) and of the mouth, in distances of the outer eye corners."""
    points = np.asarray(landmarks, np.float64)
    width = np.linalg.norm(points[:, _EYE_CORNERS[0]] - points[:, _EYE_CORNERS[1]], axis=-1)
    eyes, mouth = eye_opening(points).mean(axis=-1) / width, mouth_opening(points) / width
    return eyes.astype(np.float32), mouth.astype(np.float32)


def region_masks(boxes: Tensor, size_px: int) -> Tensor:
    """Return (batch, 3, size, size) of 0 and 1: pixels whose centre is in a box of (batch, 3, 4), in shares of the side; NaN: nowhere."""
    centres = (torch.arange(size_px, device=boxes.device, dtype=boxes.dtype) + 0.5) / size_px
    left, top, right, bottom = (edge[..., None] for edge in boxes.unbind(dim=-1))
    across = (centres >= left) & (centres <= right)
    down = (centres >= top) & (centres <= bottom)
    return (down[..., :, None] & across[..., None, :]).to(boxes.dtype)


def emphasis(boxes: Tensor, size_px: int, weight: float) -> Tensor:
    """Return (batch, 1, size, size): `weight` in eyes and mouth, 1 elsewhere."""
    return 1 + (weight - 1) * region_masks(boxes, size_px).amax(dim=1, keepdim=True)
