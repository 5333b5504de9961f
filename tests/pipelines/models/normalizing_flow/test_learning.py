"""A small flow learns a process whose likelihood is known: an audio-driven mean, an offset of the emotion, and noise."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow, CoefficientFlowConfig, Context
from pipelines.models.normalizing_flow.losses import negative_log_likelihood

FEATURES, EMOTIONS, FRAMES, NOISE = 8, 3, 50, 0.2
# Nats a coefficient of the noise itself: no model of the process does better.
FLOOR = 0.5 * math.log(2 * math.pi * math.e) + math.log(NOISE)


class Clips(NamedTuple):
    log_mel: Tensor
    beta: Tensor
    emotion: Tensor
    source: Tensor


def synthetic_clips(clips: int, seed: int) -> Clips:
    """Return clips of which the coefficients follow two loudness curves at the frame's own time, and the emotion."""
    generator = torch.Generator().manual_seed(seed)
    fixed = torch.Generator().manual_seed(99)
    columns = FRAMES * 16 // 5
    curves = functional.interpolate(torch.randn(clips, 2, 24, generator=generator), columns, mode="linear", align_corners=True)
    log_mel = (curves.mT @ torch.randn(2, 80, generator=fixed)) + 0.3 * torch.randn(clips, columns, 80, generator=generator)
    driven = functional.interpolate(curves, FRAMES, mode="linear", align_corners=True).mT @ torch.randn(2, FEATURES, generator=fixed)
    emotion = functional.one_hot(torch.randint(EMOTIONS, (clips,), generator=generator), EMOTIONS).float()
    offset = emotion @ torch.randn(EMOTIONS, FEATURES, generator=fixed)
    noise = NOISE * torch.randn(clips, FRAMES, FEATURES, generator=generator)
    return Clips(log_mel, driven + offset[:, None] + noise, emotion, torch.zeros(clips, FEATURES))


def context_of(flow: CoefficientFlow, clips: Clips, dropout: float = 0.0) -> Context:
    tau = flow.config.past_frames
    past = torch.cat([flow.center.expand(len(clips.beta), tau, -1), clips.beta], dim=1)[:, :-1]
    past = torch.where(torch.rand(*past.shape[:2], 1) < dropout, flow.center, past).unfold(1, tau, 1).transpose(2, 3)
    windows = flow.audio_windows(flow.encode_audio(clips.log_mel, FRAMES))
    emotion, source = (part[:, None].expand(-1, FRAMES, -1).flatten(0, 1) for part in (clips.emotion, clips.source))
    return flow.encode_context(windows.flatten(0, 1), past.flatten(0, 1), source, emotion)


@pytest.fixture(scope="module")
def trained() -> CoefficientFlow:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    clips = synthetic_clips(64, 1)
    config = CoefficientFlowConfig(
        features=FEATURES,
        emotions=EMOTIONS,
        steps=3,
        width=32,
        heads=2,
        feed_forward=48,
        past_frames=3,
        audio_radius_frames=1,
        audio_channels=16,
    )
    flow = CoefficientFlow(config)
    values = clips.beta.flatten(0, 1)
    flow.set_normalisation(values.mean(0), values.std(0), clips.log_mel.mean((0, 1)), clips.log_mel.std((0, 1)))
    flow.initialise_actnorm(values, context_of(flow, clips))
    optimiser = torch.optim.AdamW(flow.parameters(), lr=4e-3, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 120)
    for _ in range(120):
        rows = torch.randperm(64)[:8]
        batch = Clips(*(part[rows] for part in clips))
        loss = negative_log_likelihood(flow, batch.beta.flatten(0, 1), context_of(flow, batch, dropout=0.5))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return flow.eval()


@torch.no_grad()
def test_likelihood_of_new_clips_is_far_above_a_gaussian(trained: CoefficientFlow) -> None:
    clips = synthetic_clips(24, 2)
    values = clips.beta.flatten(0, 1)
    gaussian = torch.distributions.MultivariateNormal(values.mean(0), torch.cov(values.T))

    baseline = -gaussian.log_prob(values).mean().item() / FEATURES  # fitted on the new clips themselves
    found = -trained.log_likelihood(values, context_of(trained, clips)).mean().item() / FEATURES

    assert found < baseline - 0.3
    assert found > FLOOR - 0.02  # a density cannot be better than the truth


@torch.no_grad()
def test_sampled_clips_follow_audio_and_emotion(trained: CoefficientFlow) -> None:
    clips = synthetic_clips(24, 3)
    context = context_of(trained, clips, dropout=1.0)

    drawn = trained.from_latent(trained.latent_mean(context.emotion) + trained.sample_noise(24 * FRAMES), context)

    correlation = torch.corrcoef(torch.stack([drawn.flatten(), clips.beta.flatten()]))[0, 1]
    assert correlation > 0.9


@torch.no_grad()
def test_the_round_trip_is_exact_for_trained_weights(trained: CoefficientFlow) -> None:
    clips = synthetic_clips(24, 4)
    context, values = context_of(trained, clips), clips.beta.flatten(0, 1)
    z, _ = trained.to_latent(values, context)

    assert (trained.from_latent(z, context) - values).abs().max() < 1e-5
    trained.prepare_for_sampling()
    assert (trained.from_latent(z, context_of(trained, clips)) - values).abs().max() < 1e-5


@torch.no_grad()
def test_the_right_emotion_is_the_likeliest(trained: CoefficientFlow) -> None:
    clips = synthetic_clips(24, 5)
    scores = [
        trained.log_likelihood(clips.beta.flatten(0, 1), context_of(trained, clips._replace(emotion=one.expand(24, -1)), dropout=1.0))
        for one in torch.eye(EMOTIONS)
    ]

    found = torch.stack(scores).view(EMOTIONS, 24, FRAMES).sum(2).argmax(0)

    assert torch.equal(found, clips.emotion.argmax(1))
