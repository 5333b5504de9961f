"""What the flows are trained on (paper, Eq. 10-12)."""

from __future__ import annotations

import torch
from torch import Tensor

from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow
from pipelines.models.normalizing_flow.context_encoder import Context


def negative_log_likelihood(flow: CoefficientFlow, beta: Tensor, context: Context) -> Tensor:
    """Return the mean over frames and coefficients of -log p, in nats a coefficient *in normalised units*, a scalar (Eq. 10, 12).

    The constant log-determinant of the normalisation is left out, so that values of different corpora compare: an independent
    standard normal has 1.42. `CoefficientFlow.log_likelihood` has it.

    Args:
        flow: in training or evaluation mode.
        beta: (N, F) raw coefficients.
        context: of the same N frames.
    """
    log_likelihood = flow.log_likelihood(beta, context) + flow.scale.log().sum()
    return -log_likelihood.mean() / beta.shape[1]


def consistency_loss(flow: CoefficientFlow, beta: Tensor, context: Context, *, generator: torch.Generator | None = None) -> Tensor:
    """Return the mean L1 distance between real and generated differences of consecutive frames, normalised units, a scalar (Eq. 11).

    Generated frames come from latent codes of the base distribution by the inverse pass, each frame with its own (real) context.
    One draw serves all frames of a window: were they independent, the loss could only fall by removing all variety.

    Args:
        flow: the flow.
        beta: (B, T, F) raw coefficients of B windows of T >= 2 consecutive frames.
        context: of the B * T frames, window by window.
        generator: CPU generator of the draws.

    Raises:
        ValueError: a window has fewer than two frames, or the context is of another number of frames.
    """
    windows, frames, _ = beta.shape
    if frames < 2 or len(context.emotion) != windows * frames:
        raise ValueError(f"windows need two frames and a context each; found beta {tuple(beta.shape)}, contexts {len(context.emotion)}")
    noise = flow.sample_noise(windows, generator=generator).to(beta.device).repeat_interleave(frames, dim=0)
    generated = flow.from_latent(flow.latent_mean(context.emotion) + noise, context).view_as(beta)
    difference = (beta.diff(dim=1) - generated.diff(dim=1)) / flow.scale
    return difference.abs().mean()
