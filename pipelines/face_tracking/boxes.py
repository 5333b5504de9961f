"""Face boxes as plain numbers: a few per frame, for which arrays would be slow."""

from __future__ import annotations

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

_MESH_POINTS = 468
"""The landmarks after these are of the irises."""


class Box(NamedTuple):
    """A rectangle in pixels; y points down."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def of_mesh(cls, landmarks: NDArray[np.float32]) -> Self:
        """Return the bounding box of (478, 3) landmarks: hairline to chin."""
        x, y = landmarks[:_MESH_POINTS, 0], landmarks[:_MESH_POINTS, 1]
        return cls(float(x.min()), float(y.min()), float(x.max()), float(y.max()))

    @classmethod
    def rows(cls, boxes: NDArray[np.float32]) -> list[Self]:
        """Return the rows of an (n, 4) array left, top, right, bottom."""
        return [cls(*row) for row in boxes.tolist()]

    @property
    def width(self) -> float:
        """Return the width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Return the height in pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Return the area in square pixels."""
        return self.width * self.height

    @property
    def size(self) -> float:
        """Return the side of the square with this area, which a mouth that opens changes little."""
        return math.sqrt(max(self.area, 0.0))

    def shared_area(self, other: Box) -> float:
        """Return the area that lies in both."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def overlap(self, other: Box) -> float:
        """Return intersection over union, 0 to 1."""
        shared = self.shared_area(other)
        union = self.area + other.area - shared
        return shared / union if union > 0 else 0.0

    def share_inside(self, other: Box) -> float:
        """Return the share of this box that lies in another, 0 to 1."""
        return self.shared_area(other) / self.area if self.area > 0 else 0.0
