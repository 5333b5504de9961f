from __future__ import annotations

import pytest

from pipelines.coefficient_evaluation.figure_list import FIGURES
from pipelines.coefficient_evaluation.generation_evaluation import evaluate_generation
from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings
from pipelines.generation.generator import CoefficientGenerator
from storage_schemas.errors import BadInputError
from tests.factories.coefficient_models import blink_model, expression_model, pose_model
from tests.factories.evaluation_clips import EMOTIONS, held_out_clips, recorded_clip, train_clips, yardstick

SETTINGS = EvaluationSettings(seeds=2, transfer_pairs=4, long_audio_s=4)


TRAIN, HELD_OUT = train_clips(), held_out_clips()


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
    strange = recorded_clip("unlabelled", 3, "validation")
    model = expression_model()
    object.__setattr__(model, "emotions", EMOTIONS)

    found = evaluate_generation(CoefficientGenerator(model), TRAIN, [*HELD_OUT, strange], yardstick(), EvaluationSettings(2, 2, 0))

    assert len(found.samples) == 3
    assert "1 held-out clips are left out" in caplog.text
    with pytest.raises(BadInputError, match="the split has unlabelled"):
        evaluate_generation(CoefficientGenerator(model), TRAIN, [strange], yardstick(), SETTINGS)
