from __future__ import annotations

import numpy as np
import pytest

from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings, HeldOutClips, resting_faces, sample_clips
from pipelines.generation.generator import CoefficientGenerator
from storage_schemas.errors import BadInputError
from tests.factories.coefficient_models import expression_model
from tests.factories.evaluation_clips import EMOTIONS, held_out_clips, recorded_clip, train_clips

TRAIN = train_clips()


def test_the_resting_face_is_the_speakers_neutral_one() -> None:
    faces = resting_faces(TRAIN)
    neutral = [item for item in TRAIN if item.emotion == "neutral"]

    assert set(faces) == {"", "S0", "S1"}
    np.testing.assert_allclose(
        faces["S1"], np.mean([item.beta.mean(axis=0) for item in neutral if item.speaker == "S1"], axis=0), atol=1e-5
    )
    assert resting_faces(TRAIN[:4]) == {}


def test_a_speaker_without_neutral_clips_has_the_face_of_all() -> None:
    faces = resting_faces(TRAIN)
    held_out = HeldOutClips([], faces)

    np.testing.assert_array_equal(held_out.source(recorded_clip("angry", 1, "test")), faces["S1"])
    assert HeldOutClips([], {"": faces[""]}).source(recorded_clip("angry", 1, "test")) is faces[""]
    assert HeldOutClips([], {}).source(recorded_clip("angry", 1, "test")) is None


def test_seeds_differ_from_clip_to_clip_and_from_evaluation_to_evaluation() -> None:
    generator = CoefficientGenerator(expression_model())
    clip = held_out_clips()[0]
    held_out = HeldOutClips([clip, clip], resting_faces(TRAIN))

    first, second = sample_clips(generator, held_out, EvaluationSettings(seeds=2))
    again = sample_clips(generator, held_out, EvaluationSettings(seeds=2, seed=1))[0]

    assert first.beta.shape == (2, 30, 64)
    samples = [*first.beta, *second.beta, *again.beta]
    assert all(np.abs(one - two).max() > 0.01 for row, one in enumerate(samples) for two in samples[:row])


def test_an_item_that_cannot_be_generated_is_named() -> None:
    model = expression_model()
    object.__setattr__(model, "emotions", EMOTIONS[:2])
    held_out = HeldOutClips([recorded_clip("neutral", 3, "validation")], {})

    with pytest.raises(BadInputError, match=r"2 of 2 items could not be generated: item 'neutral/3 seed 0'"):
        sample_clips(CoefficientGenerator(model), held_out, EvaluationSettings(seeds=2))
