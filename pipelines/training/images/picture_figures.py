"""How far made pictures are from true ones: decibels of all pixels, and of those of eyes and mouth."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pipelines.training.images.face_regions import EYES, MOUTH, region_masks

_PEAK = 2.0
"""Pictures are -1..1."""
_MOST_DB = 100.0


class PictureErrors:
    """Sums of squared errors over many pictures. Decibels are of the mean squared error of all of them together, clamped to -1..1."""

    def __init__(self) -> None:
        self._squares = dict.fromkeys(("psnr_db", "eyes_psnr_db", "mouth_psnr_db"), 0.0)
        self._counts = dict.fromkeys(self._squares, 0.0)

    @torch.no_grad()
    def add(self, made: Tensor, targets: Tensor, boxes: Tensor) -> None:
        """Take in pictures (batch, 3, size, size) in -1..1 and boxes (batch, 3, 4) of eyes and mouth."""
        squares = (made.float().clamp(-1, 1) - targets.float()).square().mean(dim=1)
        regions = region_masks(boxes, targets.shape[-1])
        everywhere = torch.ones_like(squares)
        masks = {"psnr_db": everywhere, "eyes_psnr_db": regions[:, EYES].amax(dim=1), "mouth_psnr_db": regions[:, MOUTH].amax(dim=1)}
        for name, mask in masks.items():
            self._squares[name] += float((squares * mask).sum(dtype=torch.float64))
            self._counts[name] += float(mask.sum(dtype=torch.float64))

    def figures(self) -> dict[str, float]:
        """Return the decibels, by name; regions that were nowhere are left out."""
        found = {}
        for name, count in self._counts.items():
            if count:
                mean = self._squares[name] / count
                found[name] = round(min(_MOST_DB, 10 * math.log10(_PEAK**2 / mean)) if mean > 0 else _MOST_DB, 4)
        return found

    @property
    def mean_square(self) -> float:
        """The mean squared error of all pixels."""
        return self._squares["psnr_db"] / max(1.0, self._counts["psnr_db"])
