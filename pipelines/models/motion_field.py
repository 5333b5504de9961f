"""Where every pixel of a face comes from when its coefficients change: a dense motion field from a 3D face model.

For a pixel p of the target picture that the target mesh covers, the motion is m(p) = sum_i b_i (s_i - t_i): b the barycentric
weights of p in its target triangle with corners t, and s the same corners in the source. The source picture is sampled at
p + m(p) (`warp`), so the field carries the source to the target. It is differentiable in all coefficients but for the choice
of triangle, and exactly zero where source and target are equal.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.models.rasterising import barycentric_weights, signed_areas, visible_triangles

# A source triangle has no picture to give if it is seen at less than this (twice its area in square pixels) or at less than this
# share of its area in the target: closed lips, the rim of a cheek.
_SMALLEST_AREA = 0.2
_SMALLEST_SHARE = 0.1
# The outline of a head, in half widths of the mean face: how far it lies from the middle to the sides, up and down, and how far below
# the face's upper end that middle is. It lies as deep as the face's rim.
_OUTLINE_SIDE, _OUTLINE_UP, _OUTLINE_DOWN, _OUTLINE_MIDDLE = 1.5, 1.5, 0.75, 0.75
_OUTLINE_POINTS = 48
# How far behind the nearest source surface a point may lie and still be seen, in inter-ocular distances.
_DEPTH_TOLERANCE = 0.05


class FaceCoefficients(NamedTuple):
    """Coefficients of a batch of faces: identity (batch, identity modes), expression (batch, 64), pose (batch, 6) rho."""

    identity: Tensor
    expression: Tensor
    pose: Tensor


class MotionFields(NamedTuple):
    """Motion of a batch of pictures.

    Attributes:
        motion: (batch, 2, size, size) x and y in pixels: where to sample the source, from the pixel itself; 0 where it is not known.
        covered: (batch, size, size) bool, where the target face is.
        visible: (batch, size, size) bool, where in addition the source shows that part of the face.
        known: (batch, size, size) bool, where motion is known: on the face, and at single pixels along the outline of the head.
    """

    motion: Tensor
    covered: Tensor
    visible: Tensor
    known: Tensor


class SeenFaces(NamedTuple):
    """Source faces as the camera sees them: what need not be computed again for every target.

    Attributes:
        points: (batch, vertices, 3) pixels, x right, y down, z away from the camera.
        outline: (batch, outline points, 3) likewise, of the head.
        depths: (batch, size, size) of the surface seen at each pixel, inf where there is none.
        tolerances: (batch,) how far behind it, in pixels, a point may lie and still be seen.
    """

    points: Tensor
    outline: Tensor
    depths: Tensor
    tolerances: Tensor


class FaceMotion(nn.Module):
    """Motion fields of one face model.

    Args:
        mean: (vertices, 3) in model units: x right, y up, z towards the camera.
        identity_basis: (vertices, 3, identity modes).
        expression_basis: (vertices, 3, 64).
        triangles: (triangles, 3) integers, counter-clockwise seen from the camera.
        size_px: side of the square pictures.
    """

    mean: Tensor
    identity_basis: Tensor
    expression_basis: Tensor
    triangles: Tensor
    outline: Tensor

    def __init__(self, mean: Tensor, identity_basis: Tensor, expression_basis: Tensor, triangles: Tensor, size_px: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("identity_basis", identity_basis)
        self.register_buffer("expression_basis", expression_basis)
        self.register_buffer("triangles", triangles.long())
        self.register_buffer("outline", head_outline(mean))
        self.size_px = size_px

    def project(self, face: FaceCoefficients) -> Tensor:
        """Return (batch, vertices, 3) pixels: x right, y down, z away from the camera; differentiable."""
        identity = torch.einsum("vkm,bm->bvk", self.identity_basis, face.identity)
        return self._placed(self.mean + identity + torch.einsum("vkm,bm->bvk", self.expression_basis, face.expression), face.pose)

    def _placed(self, points: Tensor, pose: Tensor) -> Tensor:
        """Return points (batch or none, n, 3) in model units as `project` returns them, in poses (batch, 6)."""
        rotated = points @ rotation_matrices(pose[:, :3]).transpose(1, 2)
        placed = rotated * pose[:, None, 5:6] + functional.pad(pose[:, 3:5], (0, 1))[:, None]
        signs = placed.new_tensor([1.0, -1.0, -1.0]) * self.size_px
        return placed * signs + placed.new_tensor([0.5, 0.5, 0.0]) * self.size_px

    def forward(self, source: FaceCoefficients, target: FaceCoefficients) -> MotionFields:
        """Return the motion that carries pictures of the source faces to the target faces."""
        return self.fields(self.see(source), target)

    def see(self, source: FaceCoefficients) -> SeenFaces:
        """Return source faces as `fields` wants them."""
        points = self.project(source)
        _, depths = visible_triangles(points.detach(), self.triangles, self.size_px)
        tolerances = _DEPTH_TOLERANCE * self.size_px * source.pose.detach()[:, 5]
        return SeenFaces(points, self._placed(self.outline, source.pose), depths, tolerances)

    def fields(self, source: SeenFaces, target: FaceCoefficients) -> MotionFields:
        """Return what `forward` does; a source of a batch of 1 serves all targets."""
        target_points = self.project(target)
        source = SeenFaces(*(part.expand(len(target_points), *part.shape[1:]) for part in source))
        source_points = source.points
        numbers, _ = visible_triangles(target_points, self.triangles, self.size_px)
        batch, row, column = torch.nonzero(numbers >= 0, as_tuple=True)
        chosen = numbers[batch, row, column]
        corners = self.triangles[chosen]
        target_corners = target_points[batch[:, None], corners]
        source_corners = source_points[batch[:, None], corners]
        places = torch.stack([column, row], dim=-1).to(target_points.dtype) + 0.5
        area = signed_areas(target_corners, self.triangles.new_tensor([[0, 1, 2]]))[:, 0]
        weights = barycentric_weights(target_corners[..., :2], area, places)
        shift = (weights[..., None] * (source_corners - target_corners)).sum(dim=1)
        depth = (weights.detach() * source_corners[..., 2].detach()).sum(dim=1)
        outline, outline_shift = self._outline_motion(source.outline, self._placed(self.outline, target.pose), numbers >= 0)
        motion = target_points.new_zeros(len(target_points), self.size_px, self.size_px, 2)
        motion = motion.index_put((batch, row, column), shift[:, :2]).index_put(outline, outline_shift)
        largest = torch.clamp(_SMALLEST_SHARE * area.detach(), max=-_SMALLEST_AREA)
        facing = signed_areas(source_points.detach(), self.triangles)[batch, chosen] < largest
        seen = facing & self._unhidden(source.depths, batch, places + shift[:, :2].detach(), depth - source.tolerances[batch])
        visible = torch.zeros_like(numbers, dtype=torch.bool).index_put((batch, row, column), seen)
        known = (numbers >= 0).index_put(outline, torch.ones_like(outline[0], dtype=torch.bool))
        return MotionFields(motion.permute(0, 3, 1, 2), numbers >= 0, visible, known)

    def _outline_motion(self, source: Tensor, target: Tensor, covered: Tensor) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
        """Return pixels (batch, row, column) along the outline of the target heads where no face is, and their motion (n, 2)."""
        column, row = target.detach()[..., :2].floor().long().unbind(dim=-1)
        inside = (column.clamp(0, self.size_px - 1) == column) & (row.clamp(0, self.size_px - 1) == row)
        batch = torch.arange(len(target), device=target.device)[:, None].expand_as(row)[inside]
        row, column, shift = row[inside], column[inside], (source - target)[..., :2][inside]
        free = ~covered[batch, row, column]
        return (batch[free], row[free], column[free]), shift[free]

    def _unhidden(self, nearest: Tensor, batch: Tensor, places: Tensor, depth: Tensor) -> Tensor:
        """Return (n,) bool: the place lies in the picture, and nothing of the face in it lies before this depth."""
        column, row = places.floor().long().clamp(0, self.size_px - 1).unbind(dim=-1)
        inside = ((places >= 0) & (places < self.size_px)).all(dim=-1)
        return inside & (depth <= nearest[batch, row, column])


def head_outline(mean: Tensor) -> Tensor:
    """Return (48, 3) points in model units along the outline of the head around a mean face (vertices, 3).

    A head is round: what is seen of it at the edge lies beside and above its axis, and hardly moves when the face in front turns.
    """
    lowest, highest = mean.amin(dim=0), mean.amax(dim=0)
    half_width = (highest[0] - lowest[0]) / 2
    angles = torch.arange(_OUTLINE_POINTS, device=mean.device, dtype=mean.dtype) * (2 * torch.pi / _OUTLINE_POINTS)
    up = torch.where(torch.sin(angles) > 0, _OUTLINE_UP, _OUTLINE_DOWN) * torch.sin(angles)
    x = (lowest[0] + highest[0]) / 2 + _OUTLINE_SIDE * half_width * torch.cos(angles)
    y = highest[1] - _OUTLINE_MIDDLE * half_width + half_width * up
    return torch.stack([x, y, lowest[2].expand_as(x)], dim=1)


def rotation_matrices(angles_rad: Tensor) -> Tensor:
    """Return (batch, 3, 3) R = Rz Ry Rx of (batch, 3) pitch, yaw, roll, for column vectors; see `face_model.rotations`."""
    (cx, cy, cz), (sx, sy, sz) = torch.cos(angles_rad).unbind(dim=-1), torch.sin(angles_rad).unbind(dim=-1)
    rows = [
        torch.stack([cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx], dim=-1),
        torch.stack([sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx], dim=-1),
        torch.stack([-sy, cy * sx, cy * cx], dim=-1),
    ]
    return torch.stack(rows, dim=-2)


def warp(pictures: Tensor, motion: Tensor) -> Tensor:
    """Sample pictures at every pixel plus its motion, bilinearly.

    Args:
        pictures: (batch, channels, side, side); beyond their edges these repeat. A side larger than the motion's has surroundings, as
            many pixels at each edge.
        motion: (batch, 2, size, size) in pixels.

    Returns:
        (batch, channels, size, size).
    """
    size, side = motion.shape[-1], pictures.shape[-1]
    centres = torch.arange(size, device=motion.device, dtype=motion.dtype) + 0.5
    row, column = torch.meshgrid(centres, centres, indexing="ij")
    places = motion.permute(0, 2, 3, 1) + torch.stack([column, row], dim=-1) + (side - size) / 2
    return functional.grid_sample(pictures, places * (2 / side) - 1, padding_mode="border", align_corners=False)


def extend_motion(motion: Tensor, known: Tensor, *, still_border: bool = True) -> Tensor:
    """Continue motion smoothly beyond the face, by averages over ever larger squares (pull and push).

    Args:
        motion: (batch, 2, size, size); size a power of two times an odd number, the larger the power the farther it reaches.
        known: (batch, size, size) bool, where it is to be kept; see `MotionFields`.
        still_border: motion fades to nothing where shoulders are, at the outer fifths of the lower edge and the lowest quarter of the
            sides; otherwise all that is far off moves as the head on the whole. Hair and neck do in both cases.
    """
    weights = known[:, None].to(motion.dtype)
    if still_border:
        edge, size = torch.zeros_like(weights), weights.shape[-1]
        edge[..., -1, : size // 5] = edge[..., -1, size - size // 5 :] = 1
        edge[..., size - size // 4 :, 0] = edge[..., size - size // 4 :, -1] = 1
        weights, motion = torch.maximum(weights, edge), motion * weights
    return _filled(motion * weights, weights)


def _filled(weighted: Tensor, weights: Tensor) -> Tensor:
    mean = weighted / weights.clamp(min=1e-6)
    if weights.shape[-1] % 2 or bool((weights > 0).all()):
        return mean
    # Squares hardly touched by what is known count little, so that far values come from all around.
    coarse = functional.avg_pool2d(torch.cat([weighted, weights], dim=1), 2)
    farther = _filled(coarse[:, :-1], coarse[:, -1:])
    smooth = functional.interpolate(farther, scale_factor=2.0, mode="bilinear", align_corners=False)
    return torch.where(weights > 0, mean, smooth)
