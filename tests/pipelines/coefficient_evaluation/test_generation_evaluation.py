from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from pipelines.coefficient_evaluation.emotion_judge import train_judge
from pipelines.coefficient_evaluation.face_curves import LinearCurve
from pipelines.coefficient_evaluation.figure_list import FIGURES
from pipelines.coefficient_evaluation.generation_evaluation import evaluate_generation
from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings, as_real_clip, resting_faces
from pipelines.coefficient_evaluation.sample_figures import Yardstick, make_yardstick
from pipelines.generation.generator import CoefficientGenerator
from pipelines.training.coefficient_sequences import CoefficientSequence
from storage_schemas.errors import BadInputError
from tests.factories.coefficient_models import blink_model, expression_model, openness_measure, pose_model, speech_like_mel

EMOTIONS = ("angry", "happy", "neutral")
SETTINGS = EvaluationSettings(seeds=2, transfer_pairs=4, long_audio_s=4)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def clip(emotion: str, seed: int, split: str, frames: int = 40) -> CoefficientSequence:
    rng = np.random.default_rng([seed, EMOTIONS.index(emotion) if emotion in EMOTIONS else 9])
    beta = 0.3 * rng.standard_normal((frames, 64)) + (EMOTIONS.index(emotion) if emotion in EMOTIONS else 0) * np.eye(64)[7]
    rho = 0.1 * rng.standard_normal((frames, 6))
    return CoefficientSequence(
        f"{emotion}/{seed}", f"S{seed % 2}", emotion, split, beta.astype(np.float32), rho.astype(np.float32),
        np.ones(frames, np.bool_), speech_like_mel(frames, seed),
    )  # fmt: skip


TRAIN = [clip(emotion, seed, "train") for emotion in EMOTIONS for seed in range(4)]
HELD_OUT = [clip(emotion, 10, "validation", 30 + row) for row, emotion in enumerate(EMOTIONS)]


def yardstick() -> Yardstick:
    judge = train_judge([item.beta for item in TRAIN], [item.emotion for item in TRAIN])
    return make_yardstick([as_real_clip(item) for item in TRAIN], judge, LinearCurve(np.eye(64)[0], 0.1), openness_measure())


def test_every_listed_figure_is_measured() -> None:
    generator = CoefficientGenerator(expression_model(blinks=blink_model()), pose_model())
    driven = {item.sequence_id: item.beta[:, 0] for item in HELD_OUT}

    found = evaluate_generation(generator, TRAIN, HELD_OUT, yardstick(), SETTINGS, driven)

    assert list(found.figures) == list(FIGURES)
    # Clips of noise have hardly any blinks, so their rate may be 0 and nothing to divide by.
    assert {name for name, value in found.figures.items() if value is None} <= {
        "blink_rate_ratio",
        "blink_time_overlap",
        "blink_time_overlap_by_chance",
    }
    assert found.figures["round_trip_error"] is not None
    assert found.figures["round_trip_error"] < 1e-3
    assert [sample.beta.shape for sample in found.samples] == [(2, 30 + row, 64) for row in range(3)]


def test_the_same_evaluation_gives_the_same_figures() -> None:
    found = [
        evaluate_generation(CoefficientGenerator(expression_model(), pose_model()), TRAIN, HELD_OUT, yardstick(), SETTINGS).figures
        for _ in range(2)
    ]

    assert found[0] == found[1]


def test_without_a_pose_flow_and_long_audio_their_figures_are_none() -> None:
    settings = EvaluationSettings(seeds=2, transfer_pairs=2, long_audio_s=0)
    found = evaluate_generation(CoefficientGenerator(expression_model()), TRAIN, HELD_OUT, yardstick(), settings).figures

    assert [found[name] for name in ("pose_spread", "pose_jitter_ratio", "long_drift", "long_pose_drift")] == [None] * 4


def test_clips_of_an_emotion_that_the_model_does_not_know_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    strange = clip("unlabelled", 3, "validation")
    model = expression_model()
    object.__setattr__(model, "emotions", EMOTIONS)

    found = evaluate_generation(CoefficientGenerator(model), TRAIN, [*HELD_OUT, strange], yardstick(), EvaluationSettings(2, 2, 0))

    assert len(found.samples) == 3
    assert "1 held-out clips are left out" in caplog.text
    with pytest.raises(BadInputError, match="the split has unlabelled"):
        evaluate_generation(CoefficientGenerator(model), TRAIN, [strange], yardstick(), SETTINGS)


def test_the_resting_face_is_the_speakers_neutral_one() -> None:
    faces = resting_faces(TRAIN)
    neutral = [item for item in TRAIN if item.emotion == "neutral"]

    assert set(faces) == {"", "S0", "S1"}
    np.testing.assert_allclose(
        faces["S1"], np.mean([item.beta.mean(axis=0) for item in neutral if item.speaker == "S1"], axis=0), atol=1e-5
    )
    assert resting_faces(TRAIN[:4]) == {}
