"""Rows of pictures of a training as one picture."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.models.image_codebook.pictures import to_bytes

_MOST_ROWS = 8
_HEADER_PX = 20
_LARGEST_PX = 256


def sample_grid(samples: list[Tensor]) -> NDArray[np.uint8]:
    """Return (height, width, 3) uint8 RGB of rows (columns, 3, size, size) in -1..1; every so manieth where there are many."""
    step = -(-len(samples) // _MOST_ROWS)
    rows = [np.hstack(list(to_bytes(row).numpy())) for row in samples[::step]]
    return np.asarray(np.vstack(rows), np.uint8)


def samples_png(samples: list[Tensor], columns: tuple[str, ...]) -> bytes:
    """Return the rows as PNG, with the names of the columns above."""
    size = samples[0].shape[-1]
    if size > _LARGEST_PX:
        samples = [torch.nn.functional.interpolate(row, size=(_LARGEST_PX, _LARGEST_PX), mode="area") for row in samples]
        size = _LARGEST_PX
    grid = sample_grid(samples)
    header = np.full((_HEADER_PX, grid.shape[1], 3), 255, np.uint8)
    for number, name in enumerate(columns):
        cv2.putText(header, name, (number * size + 4, _HEADER_PX - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (0, 0, 0), 1, cv2.LINE_AA)
    _, data = cv2.imencode(".png", cv2.cvtColor(np.vstack([header, grid]), cv2.COLOR_RGB2BGR))
    return bytes(data)
