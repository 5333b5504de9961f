"""Whether a step recorded on an accelerator gives what the plain one gives; the rest is tested through the generator."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from pipelines.generation.audio_features import MelAudio
from pipelines.generation.generator import CoefficientGenerator
from pipelines.generation.request import GeneratedSequence, GenerationRequest
from tests.factories.coefficient_models import expression_model, pose_model, speech_like_mel


@pytest.mark.gpu
def test_an_accelerator_gives_what_the_processor_gives() -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA device")
    requests = [
        GenerationRequest(f"item {seed}", MelAudio(speech_like_mel(frames, seed)), emotion="happy", seed=seed)
        for seed, frames in enumerate((60, 20, 45))
    ]
    results = [CoefficientGenerator(expression_model(), pose_model(), device).generate(requests) for device in ("cpu", "cuda")]

    for one, other in zip(*results, strict=True):
        assert isinstance(one, GeneratedSequence)
        assert isinstance(other, GeneratedSequence)
        np.testing.assert_allclose(one.beta, other.beta, atol=1e-2)
        np.testing.assert_allclose(one.rho, other.rho, atol=1e-2)


def test_a_longer_sequence_begins_as_a_shorter_one() -> None:
    generator = CoefficientGenerator(expression_model(), pose_model())
    asked = GenerationRequest("item", MelAudio(speech_like_mel(80)), frames=70)
    long, short = generator.generate([asked, dataclasses.replace(asked, frames=40)])

    assert isinstance(long, GeneratedSequence)
    assert isinstance(short, GeneratedSequence)
    # Beyond the last frame of a sequence its sound is taken for ended, so the last frames may differ.
    np.testing.assert_allclose(long.beta[:30], short.beta[:30], atol=1e-4)
