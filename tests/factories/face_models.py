"""A face model for tests, learned from a few invented clips."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.basis import FaceModel
from pipelines.face_model.learning import ExpressionPass, ShapePass, learn_face_model, speaker_bases
from pipelines.face_model.learning_settings import LearningSettings
from tests.factories.face_landmarks import invented_clip

Clips = Iterable[tuple[NDArray[np.float32], str]]


def learned_from(clips: Clips, settings: LearningSettings | None = None) -> FaceModel:
    """Return the model of clips given as (landmarks, speaker)."""
    settings = settings or LearningSettings()
    listed = list(clips)
    first = ShapePass(settings)
    for landmarks, speaker in listed:
        first.add(landmarks, speaker)
    bases = speaker_bases(first.sums)
    second = ExpressionPass(bases, settings)
    for landmarks, speaker in listed:
        second.add(landmarks, speaker)
    return learn_face_model(second.sums, bases, settings)


@lru_cache(maxsize=1)
def small_face_model() -> FaceModel:
    """Return a model of three invented speakers."""
    return learned_from((invented_clip(75, seed, speaker=seed % 3, noise=0.001).landmarks_px, f"S{seed % 3}") for seed in range(6))
