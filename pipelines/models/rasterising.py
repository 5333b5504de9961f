"""Which triangle of a mesh is seen at each pixel, in plain torch: batched, on any device, no compiled extension.

For every triangle and row the pixels between the triangle's sides are listed and tested, all at once, and the nearest triangle of a
pixel is found by one scatter of packed integers (depth above triangle number), so the result does not depend on order.
"""

from __future__ import annotations

import torch
from torch import Tensor

_ID_BITS = 20
_DEPTH_STEPS = 2**30
_EDGE_TOLERANCE = 1e-5
# Sides that rise by less than this, in pixels, are level.
_LEVEL = 1e-3
_FAR = 2.0**20


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
    batch, number = torch.nonzero((area < 0) & ((high - low).amin(dim=-1) >= 0), as_tuple=True)
    corners, area, low, high = (part[batch, number] for part in (corners, area, low, high))
    owner, row, column = _candidates(corners, low.long(), high.long())
    places = torch.stack([column, row], dim=-1).to(corners.dtype) + 0.5
    own_corners = corners[owner]
    weights = barycentric_weights(own_corners[..., :2], area[owner], places)
    inside = (weights >= -_EDGE_TOLERANCE).all(dim=-1)
    depth = (weights * own_corners[..., 2]).sum(dim=-1)
    nearest, farthest = points_px[..., 2].amin(), points_px[..., 2].amax()
    depth_scale = (_DEPTH_STEPS - 1) / (farthest - nearest).clamp(min=1e-6)
    steps = ((farthest - depth) * depth_scale).long().clamp(0, _DEPTH_STEPS - 1)
    # What is outside its triangle is nearer than nothing at all.
    packed = torch.where(inside, (steps << _ID_BITS) + (2**_ID_BITS - 1 - number[owner]), -1)
    keys = torch.full((len(points_px) * size_px * size_px,), -1, dtype=torch.int64, device=points_px.device)
    keys.scatter_reduce_(0, (batch[owner] * size_px + row) * size_px + column, packed, reduce="amax")
    found = keys >= 0
    numbers = torch.where(found, 2**_ID_BITS - 1 - (keys & (2**_ID_BITS - 1)), -1)
    depths = torch.where(found, farthest - (keys >> _ID_BITS) / depth_scale, torch.inf)
    shape = (len(points_px), size_px, size_px)
    return numbers.view(shape), depths.view(shape)


def _candidates(corners: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """List the pixels that triangles may cover: those between their sides in each row, and one more on either end.

    Args:
        corners: (n, 3, 3) of triangles.
        low: (n, 2) first column and row of their boxes.
        high: (n, 2) last ones.

    Returns:
        triangle, row and column (m,) of each.
    """
    owner, step = _counted(high[:, 1] - low[:, 1] + 1)
    row = low[owner, 1] + step
    left, right = _crossings(corners[owner, :, :2], row.to(corners.dtype) + 0.5)
    first = torch.maximum(torch.floor(left - 0.5).long() - 1, low[owner, 0])
    last = torch.minimum(torch.ceil(right - 0.5).long() + 1, high[owner, 0])
    span, step = _counted((last - first + 1).clamp(min=0))
    return owner[span], row[span], first[span] + step


def _counted(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Return, for each of counts (n,), its number that many times, and 0, 1, 2 and so on beside it."""
    numbers = torch.repeat_interleave(counts)
    starts = torch.cumsum(counts, dim=0) - counts
    return numbers, torch.arange(len(numbers), device=counts.device) - starts[numbers]


def _crossings(corners: Tensor, height: Tensor) -> tuple[Tensor, Tensor]:
    """Return the least and the largest x (n,) at which sides of triangles (n, 3, 2) cross the height y (n,), which lies within them."""
    ends = corners.roll(-1, dims=1)
    rise = ends[..., 1] - corners[..., 1]
    is_level = rise.abs() < _LEVEL
    share = (height[:, None] - corners[..., 1]) / torch.where(is_level, torch.ones_like(rise), rise)
    crossing = corners[..., 0] + share * (ends[..., 0] - corners[..., 0])
    one, other = (torch.where(is_level, side[..., 0], crossing) for side in (corners, ends))
    margin = torch.where(is_level, _LEVEL, _LEVEL / rise.abs().clamp(min=_LEVEL))
    there = torch.where(is_level, (height[:, None] - corners[..., 1]).abs() <= 2 * _LEVEL, (share >= -margin) & (share <= 1 + margin))
    left = torch.where(there, torch.minimum(one, other), torch.inf).amin(dim=1)
    right = torch.where(there, torch.maximum(one, other), -torch.inf).amax(dim=1)
    return left.clamp(-_FAR, _FAR), right.clamp(-_FAR, _FAR)


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
