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
        motion: (batch, 2, size, size) x and y in pixels: where to sample the source, from the pixel itself; 0 off the face.
        covered: (batch, size, size) bool, where the target face is.
        visible: (batch, size, size) bool, where in addition the source shows that part of the face.
    """

    motion: Tensor
    covered: Tensor
    visible: Tensor


class SeenFaces(NamedTuple):
    """Source faces as the camera sees them: what need not be computed again for every target.

    Attributes:
        points: (batch, vertices, 3) pixels, x right, y down, z away from the camera.
        depths: (batch, size, size) of the surface seen at each pixel, inf where there is none.
        tolerances: (batch,) how far behind it, in pixels, a point may lie and still be seen.
    """

    points: Tensor
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

    def __init__(self, mean: Tensor, identity_basis: Tensor, expression_basis: Tensor, triangles: Tensor, size_px: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("identity_basis", identity_basis)
        self.register_buffer("expression_basis", expression_basis)
        self.register_buffer("triangles", triangles.long())
        self.size_px = size_px

    def project(self, face: FaceCoefficients) -> Tensor:
        """Return (batch, vertices, 3) pixels: x right, y down, z away from the camera; differentiable."""
        identity = torch.einsum("vkm,bm->bvk", self.identity_basis, face.identity)
        shape = self.mean + identity + torch.einsum("vkm,bm->bvk", self.expression_basis, face.expression)
        rotated = shape @ rotation_matrices(face.pose[:, :3]).transpose(1, 2)
        placed = rotated * face.pose[:, None, 5:6] + functional.pad(face.pose[:, 3:5], (0, 1))[:, None]
        signs = placed.new_tensor([1.0, -1.0, -1.0]) * self.size_px
        return placed * signs + placed.new_tensor([0.5, 0.5, 0.0]) * self.size_px

    def forward(self, source: FaceCoefficients, target: FaceCoefficients) -> MotionFields:
        """Return the motion that carries pictures of the source faces to the target faces."""
        return self.fields(self.see(source), target)

    def see(self, source: FaceCoefficients) -> SeenFaces:
        """Return source faces as `fields` wants them."""
        points = self.project(source)
        _, depths = visible_triangles(points.detach(), self.triangles, self.size_px)
        return SeenFaces(points, depths, _DEPTH_TOLERANCE * self.size_px * source.pose.detach()[:, 5])

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
        motion = target_points.new_zeros(len(target_points), self.size_px, self.size_px, 2).index_put((batch, row, column), shift[:, :2])
        largest = torch.clamp(_SMALLEST_SHARE * area.detach(), max=-_SMALLEST_AREA)
        facing = signed_areas(source_points.detach(), self.triangles)[batch, chosen] < largest
        seen = facing & self._unhidden(source.depths, batch, places + shift[:, :2].detach(), depth - source.tolerances[batch])
        visible = torch.zeros_like(numbers, dtype=torch.bool).index_put((batch, row, column), seen)
        return MotionFields(motion.permute(0, 3, 1, 2), numbers >= 0, visible)

    def _unhidden(self, nearest: Tensor, batch: Tensor, places: Tensor, depth: Tensor) -> Tensor:
        """Return (n,) bool: the place lies in the picture, and nothing of the face in it lies before this depth."""
        column, row = places.floor().long().clamp(0, self.size_px - 1).unbind(dim=-1)
        inside = ((places >= 0) & (places < self.size_px)).all(dim=-1)
        return inside & (depth <= nearest[batch, row, column])


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
    """Sample pictures (batch, channels, size, size) at every pixel plus its motion (batch, 2, size, size), bilinearly."""
    size = pictures.shape[-1]
    centres = torch.arange(size, device=motion.device, dtype=motion.dtype) + 0.5
    row, column = torch.meshgrid(centres, centres, indexing="ij")
    places = motion.permute(0, 2, 3, 1) + torch.stack([column, row], dim=-1)
    return functional.grid_sample(pictures, places * (2 / size) - 1, padding_mode="border", align_corners=False)


def extend_motion(motion: Tensor, known: Tensor, *, still_border: bool = True) -> Tensor:
    """Continue motion smoothly beyond the face, by averages over ever larger squares (pull and push).

    Args:
        motion: (batch, 2, size, size); size a power of two times an odd number, the larger the power the farther it reaches.
        known: (batch, size, size) bool, where it is to be kept.
        still_border: motion fades to nothing where shoulders are, at the lower edge of the picture and the lowest quarter of its sides;
            otherwise all that is far off moves as the face on the whole. Hair, which reaches the other edges, does in both cases.
    """
    weights = known[:, None].to(motion.dtype)
    if still_border:
        edge = torch.zeros_like(weights)
        edge[..., -1, :] = 1
        lowest = weights.shape[-1] - weights.shape[-1] // 4
        edge[..., lowest:, 0] = edge[..., lowest:, -1] = 1
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
