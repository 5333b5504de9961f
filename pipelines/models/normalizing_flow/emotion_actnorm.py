"""Per-emotion activation normalisation of all steps of a flow (the paper's multi-actnorm)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class EmotionActNorm(nn.Module):
    """h' = (h - mean) * exp(-log_scale), with one mean and one log-scale for each step and emotion.

    All emotions start with the same values (paper, section 3.2). Weights between emotions mix both linearly.
    """

    def __init__(self, steps: int, emotions: int, features: int) -> None:
        super().__init__()
        self.means = nn.Parameter(torch.zeros(steps, emotions, features))
        self.log_scales = nn.Parameter(torch.zeros(steps, emotions, features))

    def mixed(self, emotion: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and log-scales, each (K, N, F), for emotion weights (N, E)."""
        return emotion @ self.means, emotion @ self.log_scales

    @torch.no_grad()
    def initialise_step(self, step: int, h: Tensor) -> None:
        """Set one step, for all emotions alike, so that its output has mean 0 and variance 1 on `h` (N, F)."""
        self.means[step] = h.mean(0)
        self.log_scales[step] = h.var(0, unbiased=False).clamp_min(1e-6).sqrt().log()
