"""Piecewise-affine warp of the portrait: one raster of triangle numbers, one map, one remap per frame."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from pipelines.corpora.demo.portrait import Float, Image, Index

Float32 = np.ndarray[tuple[int, ...], np.dtype[np.float32]]

Pixels = np.ndarray[tuple[int, ...], np.dtype[Any]]

_SUBPIXEL_BITS = 4
_RASTER_STEP = 2  # the map is piecewise linear, so it is rasterised at half the resolution and enlarged

_UNIT_BRIGHTNESS = 128.0  # the brightness factor 1 in eight bits
_STEEPEST = 16.0  # texture pixels per raster pixel; a narrower triangle would smear beyond its edge, its neighbours cover it


class PiecewiseWarp:
    """Moves the triangles of a texture to where their vertices go.

    Triangles that face away are left out and the others are painted from the farthest to the nearest, so that a nose covers the
    cheek behind it and a chin the neck. The last `behind` triangles, which fill eyes and mouth, lie under all others, so that they
    vanish where lids and lips close. Every pixel stays covered as long as the frame's border does not move.
    """

    def __init__(self, texture_points: Float, triangles: Index, behind: int, size_px: int) -> None:
        self._triangles = triangles
        self._behind = np.arange(len(triangles)) >= len(triangles) - behind
        self._size_px = size_px
        self._texture = texture_points[triangles].astype(np.float64)
        side = -(-size_px // _RASTER_STEP)
        self._numbers = np.zeros((side, side), dtype=np.int32)
        self._at_rest = self._numbers.copy()
        axis = np.arange(side, dtype=np.float32)
        self._columns, self._rows = np.meshgrid(axis, axis)
        rest = (self._texture - (_RASTER_STEP - 1) / 2) / _RASTER_STEP
        self._paint(rest, np.flatnonzero(_affine(rest, self._texture)[1] < _STEEPEST))
        self._at_rest = self._numbers.copy()

    def warp(self, texture: Image, vertices: Float, brightness: Float) -> Image:
        """Return the texture (size, size, 3) with its vertices at `vertices` (n, 3), in pixels, z away from the camera.

        `brightness` (n,) is the factor of each vertex, interpolated between them.
        """
        offset = (_RASTER_STEP - 1) / 2
        corners = vertices[self._triangles]
        flat = (corners[..., :2] - offset) / _RASTER_STEP
        source = np.concatenate([self._texture, brightness[self._triangles][..., None]], axis=-1)
        affine, steepest = _affine(flat, source)
        drawn = np.flatnonzero(steepest < _STEEPEST)
        order = drawn[np.lexsort((-corners[drawn, :, 2].sum(axis=1), ~self._behind[drawn]))]
        self._paint(flat, order)
        across, down, bright = (self._interpolated(row) for row in affine)
        image = cv2.remap(texture, self._enlarged(across), self._enlarged(down), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        factor = self._enlarged(cv2.cvtColor(cv2.convertScaleAbs(bright, alpha=_UNIT_BRIGHTNESS), cv2.COLOR_GRAY2RGB))
        return np.asarray(cv2.multiply(image, factor, scale=1 / _UNIT_BRIGHTNESS), dtype=np.uint8)

    def _paint(self, flat: Float, order: Index) -> None:
        fixed = np.round(flat[order] * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        numbers, fill = self._numbers, cv2.fillConvexPoly
        numbers[:] = self._at_rest
        for number, triangle in zip(order.tolist(), fixed, strict=True):
            fill(numbers, triangle, number, 8, _SUBPIXEL_BITS)

    def _interpolated(self, affine: Float) -> Float32:
        """Return the values of one affine function per triangle (m, 3) at every pixel of the raster, float32 (side, side)."""
        table = affine.astype(np.float32)
        values = np.take(table[:, 0], self._numbers) * self._columns
        values += np.take(table[:, 1], self._numbers) * self._rows
        values += np.take(table[:, 2], self._numbers)
        return np.asarray(values, dtype=np.float32)

    def _enlarged(self, raster: Pixels) -> Pixels:
        """Return a raster (side, side, ...) at the resolution of the frame."""
        side = raster.shape[0] * _RASTER_STEP
        enlarged = cv2.resize(raster, (side, side), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(enlarged[: self._size_px, : self._size_px])


def _affine(flat: Float, source: Float) -> tuple[Float, Float]:
    """Return what interpolates the corners' values over each triangle.

    Args:
        flat: (m, 3, 2) corners in the raster.
        source: (m, 3, k) values at the corners, the texture's x and y first.

    Returns:
        (k, m, 3): value = a column + b row + c; and the steepest slope of texture x and y (m,), infinite where a triangle faces away or has
        all but vanished.
    """
    first, second = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    area = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])[:, None]
    facing = area > 1e-3
    safe = np.where(facing, area, 1.0)
    along, across = source[:, 1] - source[:, 0], source[:, 2] - source[:, 0]
    by_column = (along * second[:, 1:2] - across * first[:, 1:2]) / safe
    by_row = (across * first[:, 0:1] - along * second[:, 0:1]) / safe
    constant = source[:, 0] - by_column * flat[:, 0, 0:1] - by_row * flat[:, 0, 1:2]
    steepest = np.abs(np.concatenate([by_column[:, :2], by_row[:, :2]], axis=1)).max(axis=1)
    return np.stack([by_column, by_row, constant], axis=-1).transpose(1, 0, 2), np.where(facing[:, 0], steepest, np.inf)
