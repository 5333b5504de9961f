"""Small coefficient models with random weights, and blinks and clips to go with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.blinks.eye_openness import EyeOpenness
from pipelines.blinks.fitting import fit_blinks
from pipelines.blinks.model import BlinkModel
from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow, CoefficientFlowConfig
from pipelines.training.coefficient_sequences import CoefficientSequence
from storage_schemas.training_runs import EMOTIONS

Float32Array = NDArray[np.float32]

BLINK_CURVE = (0.35, 0.95, 0.67, 0.22)


def random_flow(seed: int = 0, *, liveliness: float = 0.05, **changes: object) -> CoefficientFlow:
    """Return a small flow whose every parameter is random, so that each part of its context matters; the livelier, the more."""
    sizes: dict[str, object] = {
        "features": 64, "emotions": len(EMOTIONS), "steps": 3, "width": 16, "heads": 2, "feed_forward": 16, "past_frames": 4,
        "audio_radius_frames": 2, "audio_channels": 8,
    }  # fmt: skip
    torch.manual_seed(seed)
    flow = CoefficientFlow(CoefficientFlowConfig(**{**sizes, **changes}))  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(liveliness * torch.randn(parameter.shape))
        # Drawn frames then lie well within the range that the models below are held to.
        flow.set_normalisation(torch.zeros(flow.config.features), torch.full((flow.config.features,), 0.5))
    return flow.eval()


def expression_model(seed: int = 0, *, blinks: BlinkModel | None = None, liveliness: float = 0.05, **changes: object) -> CoefficientModel:
    """Return an ExpFlow."""
    flow = random_flow(seed, liveliness=liveliness, **changes)
    latents = np.random.default_rng(seed).normal(size=(400, 64)).astype(np.float32)
    bound = np.full(64, 50.0, np.float32)
    return CoefficientModel("expflow/test", flow, -bound, bound, latents=latents, blinks=blinks, neutral=np.zeros(64, np.float32))


def pose_model(seed: int = 0) -> CoefficientModel:
    """Return a PoseFlow."""
    flow = random_flow(seed + 100, features=6, emotions=1, has_source=False, latent="gaussian", latent_mean_scale=0.0)
    bound = np.full(6, 50.0, np.float32)
    return CoefficientModel("poseflow/test", flow, -bound, bound)


def openness_measure() -> EyeOpenness:
    """Return a measure by which eyes at rest are 0.1 open, and coefficients 3 and 4 close them."""
    weights = np.zeros(64)
    weights[3], weights[4] = -0.06, 0.02
    return EyeOpenness(weights, 0.1)


def blinking_clip(frames: int, blinks: Sequence[int], seed: int = 0, depth: float = 0.08) -> CoefficientSequence:
    """Return a clip that blinks at given frames: coefficients 3 and 4 move by depth / 0.08 and -depth / 0.08 at most."""
    rng = np.random.default_rng(seed)
    beta = rng.normal(0, 0.01, (frames, 64))
    for deepest in blinks:
        for offset, closure in enumerate(BLINK_CURVE):
            frame = deepest - 1 + offset
            if 0 <= frame < frames:
                beta[frame, 3] += closure * depth / 0.08
                beta[frame, 4] -= closure * depth / 0.08
                beta[frame, 10] += closure * 0.3
    return CoefficientSequence(
        f"clip{seed}", "S0", "neutral", "train", beta.astype(np.float32), np.zeros((frames, 6), np.float32), np.ones(frames, np.bool_), None
    )


def blink_model() -> BlinkModel:
    """Return blinks learned from ten clips of eight seconds."""
    clips = [blinking_clip(200, (20 + 3 * seed, 95 + 2 * seed, 150 + seed), seed) for seed in range(10)]
    model = fit_blinks(clips, openness_measure())
    assert model is not None
    return model


def speech_like_mel(frames: int, seed: int = 0) -> Float32Array:
    """Return a log-mel (columns, 80) that rises and falls."""
    rng = np.random.default_rng(seed)
    columns = 1 + frames * 16 // 5
    loudness = np.repeat(rng.uniform(-3, 3, columns // 8 + 1), 8)[:columns]
    return np.clip(loudness[:, None] + rng.normal(0, 0.5, (columns, 80)), -4, 4).astype(np.float32)
