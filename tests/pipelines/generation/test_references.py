from __future__ import annotations

import numpy as np

from pipelines.generation.audio_features import MelAudio
from pipelines.generation.references import emotion_posterior, label_log_likelihoods, read_reference
from pipelines.generation.request import Reference
from pipelines.generation.teacher_forcing import RecordedSequence
from storage_schemas.training_runs import EMOTIONS
from tests.factories.coefficient_models import blink_model, blinking_clip, expression_model, speech_like_mel


def sequence(frames: int = 20) -> RecordedSequence:
    values = np.random.default_rng(0).normal(0, 0.3, (frames, 64)).astype(np.float32)
    return RecordedSequence(values, MelAudio(speech_like_mel(frames)), np.zeros(64, np.float32))


def test_the_posterior_is_a_distribution_over_known_labels() -> None:
    model = expression_model()
    few = type(model)(model.run_id, model.flow, model.lowest, model.highest, emotions=("happy", "sad"))

    assert emotion_posterior(model, sequence()).sum() == 1
    posterior = emotion_posterior(few, sequence())
    assert [label for label, weight in zip(EMOTIONS, posterior, strict=True) if weight > 0] in (["happy"], ["sad"], ["happy", "sad"])


def test_scores_are_those_of_bayes() -> None:
    model = expression_model()
    scores = label_log_likelihoods(model, sequence())
    likelihoods = np.exp((scores - scores.max()).sum(axis=1) / 5 - ((scores - scores.max()).sum(axis=1) / 5).max())

    np.testing.assert_allclose(emotion_posterior(model, sequence()), likelihoods / likelihoods.sum(), rtol=1e-4)


def test_blinks_are_read_apart_from_the_expression() -> None:
    model = expression_model(blinks=blink_model())
    with_blinks, without = (
        read_reference(model, Reference("r", blinking_clip(100, at, seed=2).beta, emotion="sad")) for at in ((30, 70), ())
    )

    assert with_blinks.closures is not None
    assert without.closures is not None
    assert np.flatnonzero(with_blinks.closures > 0.8).tolist() == [30, 70]
    assert without.closures.max() == 0
    assert with_blinks.emotion[EMOTIONS.index("sad")] == 1
    quiet = np.r_[0:20, 50:60]
    np.testing.assert_allclose(with_blinks.latents[quiet], without.latents[quiet], atol=1e-3)
