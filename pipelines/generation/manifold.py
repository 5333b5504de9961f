"""Manifold projection: a latent is replaced by a combination of the training latents nearest to it.

Weights minimise the distance to the latent under a sum of 1; with more neighbours than directions the system is singular, so it has a
small ridge (section 3.2 of the paper; K = 10 as in Live Speech Portraits).
"""

from __future__ import annotations

import torch

NEIGHBOURS = 10
_RIDGE = 1e-3


class ManifoldProjection:
    """Projects latents onto what the training clips occupy.

    Args:
        latents: (n, features) float32 of training frames.
        neighbours: how many a combination is made of.
    """

    def __init__(self, latents: torch.Tensor, neighbours: int = NEIGHBOURS) -> None:
        self._latents = latents
        self._neighbours = min(neighbours, len(latents))

    def project(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the projections of latents (frames, features)."""
        # Not by a matrix product, whose rounding depends on how many latents are asked for at once.
        distances = torch.cdist(latents, self._latents, compute_mode="donot_use_mm_for_euclid_dist")
        nearest = distances.topk(self._neighbours, largest=False).indices
        points = self._latents[nearest]
        steps = points - latents[:, None]
        products = steps @ steps.transpose(1, 2)
        # The ridge is in the scale of the system itself, so that latents of any size are treated alike.
        scale = products.diagonal(dim1=1, dim2=2).mean(dim=1).clamp_min(1e-12)
        ridge = _RIDGE * scale[:, None, None] * torch.eye(self._neighbours, dtype=latents.dtype, device=latents.device)
        ones = torch.ones(len(latents), self._neighbours, 1, dtype=latents.dtype, device=latents.device)
        weights = torch.linalg.solve(products + ridge, ones)
        weights = weights / weights.sum(dim=1, keepdim=True)
        projected: torch.Tensor = (weights * points).sum(dim=1)
        return projected
