"""Which triangle of a mesh is seen at each pixel, in plain torch: batched, on any device, no compiled extension.

Triangles are grouped by the size of their bounding box (powers of two); every pixel of the box is tested, and the nearest triangle
of a pixel is found by one scatter of packed integers (depth above triangle number), so the result does not depend on order.
"""

from __future__ import annotations

import torch
from torch import Tensor

_ID_BITS = 20
_DEPTH_STEPS = 2**30
_EDGE_TOLERANCE = 1e-5


@torch.no_grad()
def visible_triangles(points_px: Tensor, triangles: Tensor, size_px: int) -> tuple[Tensor, Tensor]:
    """Find the triangle that is seen at each pixel; pixel k spans k to k + 1 and is tested at its centre.

    Args:
        points_px: (batch, vertices, 3) pixels, x right, y down, z growing away from the camera.
        triangles: (triangles, 3) int64, counter-clockwise seen from the camera; others are not seen.
        size_px: side of the square picture.

    Returns:
        triangle numbers (batch, size, size) int64, -1 where there is none, and depths (batch, size, size), inf where there is none.
    """
    corners = points_px[:, triangles]
    area = _cross(corners[..., 1, :2] - corners[..., 0, :2], corners[..., 2, :2] - corners[..., 0, :2])
    low = torch.ceil(corners[..., :2].amin(dim=2) - 0.5).clamp(min=0)
    high = torch.floor(corners[..., :2].amax(dim=2) - 0.5).clamp(max=size_px - 1)
    extent = (high - low).amax(dim=-1) + 1
    seen = (area < 0) & ((high - low).amin(dim=-1) >= 0)
    nearest, farthest = points_px[..., 2].amin(), points_px[..., 2].amax()
    depth_scale = (_DEPTH_STEPS - 1) / (farthest - nearest).clamp(min=1e-6)
    keys = torch.full((len(points_px) * size_px * size_px,), -1, dtype=torch.int64, device=points_px.device)
    side = 1
    while side < 2 * size_px:
        batch, number = torch.nonzero(seen & (extent <= side) & (extent > side // 2), as_tuple=True)
        if len(batch):
            inside, pixels, depth = _covered(corners[batch, number], area[batch, number], low[batch, number].long(), side, size_px)
            steps = ((farthest - depth) * depth_scale).long().clamp(0, _DEPTH_STEPS - 1)
            packed = (steps << _ID_BITS) + (2**_ID_BITS - 1 - number)[:, None]
            target = batch[:, None] * size_px * size_px + pixels
            keys.scatter_reduce_(0, target[inside], packed[inside], reduce="amax")
        side *= 2
    found = keys >= 0
    numbers = torch.where(found, 2**_ID_BITS - 1 - (keys & (2**_ID_BITS - 1)), -1)
    depths = torch.where(found, farthest - (keys >> _ID_BITS) / depth_scale, torch.inf)
    shape = (len(points_px), size_px, size_px)
    return numbers.view(shape), depths.view(shape)


def _covered(corners: Tensor, area: Tensor, low: Tensor, side: int, size_px: int) -> tuple[Tensor, Tensor, Tensor]:
    """Test the pixels of boxes (side x side from `low`) of n triangles; return inside, flat pixel numbers and depths, (n, side^2)."""
    steps = torch.arange(side, device=corners.device)
    column = low[:, :1] + steps.repeat(side)
    row = low[:, 1:] + steps.repeat_interleave(side)
    centre = torch.stack([column, row], dim=-1).to(corners.dtype) + 0.5
    weights = barycentric_weights(corners[:, None, :, :2], area[:, None], centre)
    inside = (weights >= -_EDGE_TOLERANCE).all(dim=-1) & (column < size_px) & (row < size_px)
    depth = (weights * corners[:, None, :, 2]).sum(dim=-1)
    return inside, (row * size_px + column).clamp(max=size_px * size_px - 1), depth


def barycentric_weights(corners: Tensor, area: Tensor, places: Tensor) -> Tensor:
    """Return (..., 3) weights of the corners at places; they sum to 1.

    Args:
        corners: (..., 3, 2) pixels.
        area: (...,) twice the signed area of the triangles, not 0.
        places: (..., 2).
    """
    first, second, third = corners.unbind(dim=-2)
    one = _cross(second - places, third - places) / area
    two = _cross(third - places, first - places) / area
    return torch.stack([one, two, 1 - one - two], dim=-1)


def _cross(first: Tensor, second: Tensor) -> Tensor:
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


def signed_areas(points_px: Tensor, triangles: Tensor) -> Tensor:
    """Return (batch, triangles) twice the signed area in the picture; negative where a triangle faces the camera (y points down)."""
    corners = points_px[:, triangles, :2]
    return _cross(corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :])
