"""Coefficient flows with random weights, and frames for them."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow, CoefficientFlowConfig, Context

SMALL: dict[str, Any] = {
    "features": 8,
    "emotions": 3,
    "steps": 4,
    "width": 16,
    "heads": 2,
    "feed_forward": 24,
    "past_frames": 3,
    "audio_radius_frames": 1,
    "audio_channels": 6,
}
POSE: dict[str, Any] = {
    "features": 6, "emotions": 1, "has_source": False, "latent": "gaussian", "latent_mean_scale": 0.0, "linear_past": True,
}  # fmt: skip
VARIANTS: dict[str, dict[str, Any]] = {
    "expression": {},
    "pose": POSE,
    "without-audio": {"has_audio": False},
    "gaussian-mixture": {"latent": "gaussian"},
    "without-shift": {"context_shift": False},
    "odd": {"features": 7, "audio_radius_frames": 0, "audio_reach_frames": 0},
}


class FlowInputs(NamedTuple):
    """Arguments of `CoefficientFlow.encode_context`, and raw coefficients (N, F)."""

    audio: Tensor | None
    past: Tensor
    source: Tensor | None
    emotion: Tensor
    beta: Tensor

    def context(self, flow: CoefficientFlow) -> Context:
        """Return the encoded context."""
        return flow.encode_context(self.audio, self.past, self.source, self.emotion)


def random_flow(seed: int = 0, spread: float = 0.1, **changes: Any) -> CoefficientFlow:  # noqa: ANN401 - fields of the configuration
    """Return a small flow in evaluation mode whose weights are all away from their start values, zeros included."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        flow = CoefficientFlow(CoefficientFlowConfig(**{**SMALL, **changes})).eval()
        with torch.no_grad():
            for parameter in flow.parameters():
                parameter.add_(torch.randn_like(parameter) * spread)
        features = flow.config.features
        flow.set_normalisation(torch.randn(features), 0.1 + torch.rand(features), torch.randn(80), 0.5 + torch.rand(80))
        if flow.config.linear_past:
            flow.set_linear_past(0.3 * torch.randn_like(flow.past_map))
    return flow


def random_inputs(flow: CoefficientFlow, count: int = 5, seed: int = 1, dtype: torch.dtype = torch.float32) -> FlowInputs:
    """Return frames for a flow, in its units, with mixtures of emotions."""
    config, generator = flow.config, torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype)

    def coefficients(*shape: int) -> Tensor:
        return (draw(*shape, config.features) * flow.scale + flow.center).to(dtype)

    audio = draw(count, 2 * config.audio_radius_frames + 1, config.width) if config.has_audio else None
    source = coefficients(count) if config.has_source else None
    emotion = torch.softmax(draw(count, config.emotions), dim=1)
    return FlowInputs(audio, coefficients(count, config.past_frames), source, emotion, coefficients(count))
