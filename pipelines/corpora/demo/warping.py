"""Piecewise-affine warp of the portrait: one raster of triangle numbers, one map, one remap per frame."""

from __future__ import annotations

import cv2
import numpy as np

from pipelines.corpora.demo.portrait import Float, Image, Index

_SUBPIXEL_BITS = 4
_RASTER_STEP = 2  # the map is piecewise linear, so it is rasterised at half the resolution and enlarged

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
        self._paint(rest, np.flatnonzero(self._affine(rest)[1] < _STEEPEST))
        self._at_rest = self._numbers.copy()

    def warp(self, texture: Image, vertices: Float) -> Image:
        """Return the texture (size, size, 3) with its vertices at `vertices` (n, 3), in pixels, z away from the camera."""
        horizontal, vertical = self.map(vertices)
        return np.asarray(cv2.remap(texture, horizontal, vertical, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)

    def map(self, vertices: Float) -> tuple[np.ndarray, np.ndarray]:
        """Return the texture's x and y for every pixel of the frame, float32 (size, size) each."""
        offset = (_RASTER_STEP - 1) / 2
        corners = vertices[self._triangles]
        flat = (corners[..., :2] - offset) / _RASTER_STEP
        affine, steepest = self._affine(flat)
        drawn = np.flatnonzero(steepest < _STEEPEST)
        order = drawn[np.lexsort((-corners[drawn, :, 2].sum(axis=1), ~self._behind[drawn]))]
        self._paint(flat, order)
        return self._enlarged(affine)

    def _paint(self, flat: Float, order: Index) -> None:
        fixed = np.round(flat[order] * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        numbers, fill = self._numbers, cv2.fillConvexPoly
        numbers[:] = self._at_rest
        for number, triangle in zip(order.tolist(), fixed, strict=True):
            fill(numbers, triangle, number, 8, _SUBPIXEL_BITS)

    def _affine(self, flat: Float) -> tuple[Float, Float]:
        """Return (6, m), texture x = a0 col + a1 row + a2 and y = a3 col + a4 row + a5, and the steepest of a0, a1, a3, a4 (m,).

        Triangles that face away or have all but vanished are infinitely steep.
        """
        source = self._texture
        first, second = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
        area = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])[:, None]
        facing = area > 1e-3
        along, across = source[:, 1] - source[:, 0], source[:, 2] - source[:, 0]
        safe = np.where(facing, area, 1.0)
        by_column = (along * second[:, 1:2] - across * first[:, 1:2]) / safe
        by_row = (across * first[:, 0:1] - along * second[:, 0:1]) / safe
        constant = source[:, 0] - by_column * flat[:, 0, 0:1] - by_row * flat[:, 0, 1:2]
        steepest = np.abs(np.concatenate([by_column, by_row], axis=1)).max(axis=1)
        affine = np.stack([by_column[:, 0], by_row[:, 0], constant[:, 0], by_column[:, 1], by_row[:, 1], constant[:, 1]])
        return affine, np.where(facing[:, 0], steepest, np.inf)

    def _enlarged(self, affine: Float) -> tuple[np.ndarray, np.ndarray]:
        table = affine.astype(np.float32)
        maps = []
        for base in (0, 3):
            values = np.take(table[base], self._numbers) * self._columns
            values += np.take(table[base + 1], self._numbers) * self._rows
            values += np.take(table[base + 2], self._numbers)
            side = self._numbers.shape[0] * _RASTER_STEP
            enlarged = cv2.resize(values, (side, side), interpolation=cv2.INTER_LINEAR)
            maps.append(enlarged[: self._size_px, : self._size_px])
        return maps[0], maps[1]
