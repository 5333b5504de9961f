"""Drawn coefficients on disk, so that memory grows neither with the length of a clip nor with their number."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from storage_schemas.part_layout import EXPRESSION_SIZE, POSE_SIZE

Float32Array = NDArray[np.float32]
WIDTH = EXPRESSION_SIZE + POSE_SIZE


class CoefficientSpool:
    """(beta, rho) float32 (frames, 70) of one clip in a file: written in order, then read in runs.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.frames = 0
        self._hash = hashlib.sha256()
        path.write_bytes(b"")

    def append(self, beta: Float32Array, rho: Float32Array) -> None:
        """Add a run of frames: beta (n, 64) and rho (n, 6)."""
        data = np.concatenate([beta, rho], axis=1).astype(np.float32).tobytes()
        self._hash.update(data)
        with self.path.open("ab") as file:
            file.write(data)
        self.frames += len(beta)

    @property
    def sha256(self) -> str:
        """Of the file."""
        return self._hash.hexdigest()

    def windows(self, first: int, count: int, window: int) -> Float32Array:
        """Return (count, window, 70): around each of `count` frames; beyond the clip's ends the end frames are repeated."""
        half = window // 2
        start, end = max(0, first - half), min(self.frames, first + count + window - half)
        rows = np.fromfile(self.path, np.float32, (end - start) * WIDTH, offset=4 * WIDTH * start).reshape(-1, WIDTH)
        places = np.arange(first, first + count)[:, None] + np.arange(-half, window - half)
        return np.asarray(rows[places.clip(0, self.frames - 1) - start])
