"""Recorded clips of three emotions, invented, and a yardstick made of them."""

from __future__ import annotations

import numpy as np

from pipelines.coefficient_evaluation.emotion_judge import train_judge
from pipelines.coefficient_evaluation.face_curves import LinearCurve
from pipelines.coefficient_evaluation.held_out_clips import as_real_clip
from pipelines.coefficient_evaluation.sample_figures import Yardstick, make_yardstick
from pipelines.training.coefficient_sequences import CoefficientSequence
from tests.factories.coefficient_models import openness_measure, speech_like_mel

EMOTIONS = ("angry", "happy", "neutral")


def recorded_clip(emotion: str, seed: int, split: str, frames: int = 40) -> CoefficientSequence:
    """Return noise around the mean expression of an emotion, with speech-like sound."""
    place = EMOTIONS.index(emotion) if emotion in EMOTIONS else 0
    rng = np.random.default_rng([seed, place, emotion in EMOTIONS])
    beta = 0.3 * rng.standard_normal((frames, 64)) + place * np.eye(64)[7]
    rho = 0.1 * rng.standard_normal((frames, 6))
    return CoefficientSequence(
        f"{emotion}/{seed}", f"S{seed % 2}", emotion, split, beta.astype(np.float32), rho.astype(np.float32),
        np.ones(frames, np.bool_), speech_like_mel(frames, seed),
    )  # fmt: skip


def train_clips() -> list[CoefficientSequence]:
    """Return twelve training clips."""
    return [recorded_clip(emotion, seed, "train") for emotion in EMOTIONS for seed in range(4)]


def held_out_clips() -> list[CoefficientSequence]:
    """Return a held-out clip of each emotion, of 30, 31 and 32 frames."""
    return [recorded_clip(emotion, 10, "validation", 30 + row) for row, emotion in enumerate(EMOTIONS)]


def yardstick() -> Yardstick:
    """Return the yardstick of the training clips; the mouth opens with the first coefficient."""
    train = train_clips()
    judge = train_judge([clip.beta for clip in train], [clip.emotion for clip in train])
    return make_yardstick([as_real_clip(clip) for clip in train], judge, LinearCurve(np.eye(64)[0], 0.1), openness_measure())
