from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np
import pytest

from pipelines.generation.audio_features import MelAudio
from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.generation.generator import CoefficientGenerator
from pipelines.generation.request import (
    BlinkMode,
    BlinkSettings,
    FailedItem,
    GeneratedSequence,
    GenerationRequest,
    PoseMode,
    Reference,
    SequenceChunk,
)
from storage_schemas.errors import BadInputError
from tests.factories.coefficient_models import blink_model, blinking_clip, expression_model, pose_model, speech_like_mel

TOLERANCE = 1e-4
OTHER_FACE = Reference("r", np.zeros((1, 64), np.float32), face_model="b")
NO_BLINKS = BlinkSettings(BlinkMode.OFF)


@lru_cache(maxsize=1)
def generator() -> CoefficientGenerator:
    return CoefficientGenerator(expression_model(blinks=blink_model()), pose_model())


def request(frames: int, seed: int = 0, **changes: object) -> GenerationRequest:
    asked = GenerationRequest(f"item {seed}", audio=MelAudio(speech_like_mel(frames, seed)), emotion="happy", seed=seed)
    return dataclasses.replace(asked, **changes)  # type: ignore[arg-type]


def generated(asked: GenerationRequest, with_generator: CoefficientGenerator | None = None) -> GeneratedSequence:
    (result,) = (with_generator or generator()).generate([asked])
    assert isinstance(result, GeneratedSequence), result
    return result


def test_an_item_is_the_same_alone_and_in_a_batch() -> None:
    requests = [request(40, 0), request(17, 1, emotion="sad"), request(55, 2, emotion={"angry": 2, "fear": 1}, pose=PoseMode.FIXED)]

    for asked, result in zip(requests, generator().generate(requests), strict=True):
        alone = generated(asked)
        assert isinstance(result, GeneratedSequence)
        np.testing.assert_allclose(result.beta, alone.beta, atol=TOLERANCE)
        np.testing.assert_allclose(result.rho, alone.rho, atol=TOLERANCE)
        assert result.beta.shape == (asked.length, 64)
        assert result.rho.shape == (asked.length, 6)


def test_groups_of_items_are_generated_as_one_batch_would_be() -> None:
    requests = [request(10 + seed, seed) for seed in range(5)]
    small = CoefficientGenerator(generator().expflow, generator().poseflow, items_at_once=2)

    for one, other in zip(small.generate(requests), generator().generate(requests), strict=True):
        assert isinstance(one, GeneratedSequence)
        assert isinstance(other, GeneratedSequence)
        np.testing.assert_allclose(one.beta, other.beta, atol=TOLERANCE)


@pytest.mark.parametrize("chunk_frames", [1, 7, 31])
def test_a_stream_is_the_whole_in_pieces(chunk_frames: int) -> None:
    asked = request(40, 5)
    chunks = [found for found in generator().stream([asked], chunk_frames) if isinstance(found, SequenceChunk)]

    assert [chunk.first_frame for chunk in chunks] == list(range(0, 40, chunk_frames))
    assert [chunk.is_last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    whole = generated(asked)
    np.testing.assert_allclose(np.concatenate([chunk.beta for chunk in chunks]), whole.beta, atol=TOLERANCE)
    np.testing.assert_allclose(np.concatenate([chunk.rho for chunk in chunks]), whole.rho, atol=TOLERANCE)


def test_seed_and_take_decide_and_nothing_else() -> None:
    asked = request(30, 3)

    np.testing.assert_array_equal(generated(asked).beta, generated(dataclasses.replace(asked, item_id="other")).beta)
    for change in ({"seed": 4}, {"take": 1}):
        other = generated(dataclasses.replace(asked, **change))  # type: ignore[arg-type]
        assert np.abs(other.beta - generated(asked).beta).mean() > 0.1
        assert np.abs(other.rho - generated(asked).rho).mean() > 0.05


def test_audio_emotion_and_source_matter() -> None:
    asked = request(30, 3)
    changes: list[dict[str, object]] = [
        {"audio": MelAudio(speech_like_mel(30, 99))}, {"emotion": "sad"}, {"source_beta": np.ones(64, np.float32)},
    ]  # fmt: skip
    for change in changes:
        assert np.abs(generated(dataclasses.replace(asked, **change)).beta - generated(asked).beta).max() > 0.01  # type: ignore[arg-type]


def test_intensity_goes_from_neutral_to_the_emotion_and_beyond() -> None:
    asked = request(30, 3, blinks=NO_BLINKS)
    betas = [generated(dataclasses.replace(asked, intensity=intensity)).beta for intensity in (0.0, 0.5, 1.0, 1.5)]

    np.testing.assert_array_equal(betas[0], generated(dataclasses.replace(asked, emotion="neutral")).beta)
    steps = [np.abs(betas[1] - end).mean() for end in (betas[0], betas[2])]
    assert max(steps) < np.abs(betas[0] - betas[2]).mean()
    assert np.abs(betas[0] - betas[3]).mean() > 1.2 * np.abs(betas[0] - betas[2]).mean()


def test_no_temperature_gives_the_mode_whatever_the_seed() -> None:
    asked = request(30, 3, temperature=0.0, blinks=NO_BLINKS)

    np.testing.assert_array_equal(generated(asked).beta, generated(dataclasses.replace(asked, seed=8)).beta)


def test_blinks_are_laid_over_and_can_be_switched_off() -> None:
    asked = request(60, 2)
    without = generated(dataclasses.replace(asked, blinks=NO_BLINKS)).beta
    at = generated(dataclasses.replace(asked, blinks=BlinkSettings(frames=(30,)))).beta
    model = blink_model()

    moved = np.flatnonzero(np.abs(at - without).max(axis=1) > 1e-4)
    assert moved.min() > 20
    assert moved.max() < 44
    assert model.openness.curve(at)[30] < model.openness.curve(without)[30] - 0.5 * (model.openness.curve(without)[30] - model.closed)


def test_a_reference_with_its_own_sound_gives_its_own_expression() -> None:
    own = generated(request(40, 7, blinks=NO_BLINKS, source_beta=np.zeros(64, np.float32)))
    plain = CoefficientGenerator(expression_model(), pose_model())
    reference = Reference("own", own.beta, audio=MelAudio(speech_like_mel(40, 7)), source=np.zeros(64, np.float32))

    again = generated(request(40, 7, emotion=reference, source_beta=np.zeros(64, np.float32)), plain)

    np.testing.assert_allclose(again.beta, own.beta, atol=TOLERANCE)


def test_a_reference_with_blinks_gives_its_own_expression() -> None:
    clip = blinking_clip(80, (20, 60))
    mel = MelAudio(speech_like_mel(80, 7))
    reference = Reference("own", clip.beta, audio=mel, source=np.zeros(64, np.float32))
    asked = request(80, 7, emotion=reference, source_beta=np.zeros(64, np.float32), blinks=BlinkSettings(BlinkMode.REFERENCE))

    calm = CoefficientGenerator(expression_model(blinks=blink_model(), liveliness=0.02), pose_model())

    np.testing.assert_allclose(generated(asked, calm).beta, clip.beta, atol=TOLERANCE)


def test_the_emotion_of_a_reference_is_found() -> None:
    own = generated(request(60, 7, emotion="fear", blinks=NO_BLINKS))
    reference = Reference("fearful", own.beta, audio=MelAudio(speech_like_mel(60, 7)))

    result = generated(request(30, 9, emotion=reference))

    assert result.emotion.argmax() == 3
    assert result.beta.shape == (30, 64)


def test_a_picture_is_a_reference_of_one_frame() -> None:
    reference = Reference("picture", blinking_clip(1, ()).beta, emotion="angry")
    still = generated(request(60, 7, emotion=reference))
    fresh = generated(request(60, 8, emotion=reference, reference_noise=0.5))

    assert np.isfinite(still.beta).all()
    assert still.beta.std(axis=0).mean() < fresh.beta.std(axis=0).mean()


def test_poses_may_be_fixed_or_followed() -> None:
    pose = np.linspace(0, 1, 60, dtype=np.float32).reshape(10, 6)
    place = np.array([0.1, 0.2, 0.3, 0.01, 0.02, 0.25], np.float32)

    assert np.ptp(generated(request(30, 1, pose=PoseMode.FIXED, source_rho=place)).rho - place) == 0
    np.testing.assert_array_equal(generated(request(30, 1, pose=pose)).rho[:19], np.concatenate([pose, pose[-2::-1]]))


def test_the_head_is_put_where_the_source_has_it() -> None:
    place = np.array([0.1, 0.2, 0.3, 0.01, 0.02, 0.25], np.float32)
    usual, moved = generated(request(30, 1)).rho, generated(request(30, 1, source_rho=place)).rho

    np.testing.assert_allclose(moved - usual, np.broadcast_to([0, 0, 0, 0.01, 0.02, 0.25], (30, 6)), atol=1e-6)


def test_coefficients_stay_in_the_range_of_the_training_clips() -> None:
    bound = np.full(64, 0.3, np.float32)
    narrow = dataclasses.replace(expression_model(), lowest=-bound, highest=bound)
    beta = generated(request(60, 1), CoefficientGenerator(narrow, pose_model())).beta

    assert np.abs(beta).max() == np.float32(0.3)


def test_one_bad_item_does_not_stop_the_others() -> None:
    poses = np.full((3, 6), np.nan, np.float32)
    requests = [request(20, 0), request(20, 1, emotion="joyful"), request(20, 2, pose=poses), request(20, 3, audio=None), request(20, 4)]

    results = generator().generate(requests)

    assert [isinstance(result, FailedItem) for result in results] == [False, True, True, True, False]
    assert all(f"item {place}" in result.message for place, result in enumerate(results) if isinstance(result, FailedItem))


class BreakingAudio(MelAudio):
    """Sound whose file goes away."""

    def read(self, first: int, end: int) -> np.ndarray:
        if end > 200:
            raise BadInputError("the file has changed")
        return super().read(first, end)


def test_sound_that_goes_away_ends_its_item_alone() -> None:
    requests = [request(100, 0), request(100, 1, audio=BreakingAudio(speech_like_mel(100, 1))), request(30, 2)]
    found = list(generator().stream(requests, 20))

    (failed,) = [item for item in found if isinstance(item, FailedItem)]
    assert failed.message == "item 'item 1': the file has changed"
    chunks = [item for item in found if isinstance(item, SequenceChunk) and item.item_id == "item 0"]
    np.testing.assert_allclose(np.concatenate([chunk.beta for chunk in chunks]), generated(requests[0]).beta, atol=TOLERANCE)
    assert found.index(failed) < found.index(chunks[-1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": -1.0}, "temperature must be"), ({"temperature": float("nan")}, "temperature must be"), ({"frames": 0}, "1 to"),
        ({"seed": -1}, "seed"), ({"intensity": 2.1}, "intensity"), ({"source_beta": np.zeros(3, np.float32)}, "source_beta"),
        ({"emotion": {}}, "shares"), ({"emotion": {"happy": -1.0}}, "shares"), ({"emotion": "hapy"}, "did you mean 'happy'"),
        ({"blinks": BlinkSettings(BlinkMode.REFERENCE)}, "reference"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named(changes: dict[str, object], message: str) -> None:
    (result,) = generator().generate([dataclasses.replace(request(10), **changes)])  # type: ignore[arg-type]

    assert isinstance(result, FailedItem)
    assert message in result.message
    assert "item 0" in result.message


def without(model: CoefficientModel, **changes: object) -> CoefficientModel:
    return dataclasses.replace(model, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expflow", "with_pose", "changes", "message"),
    [
        ({"latents": None}, True, {"projection": 0.5}, "no latents"),
        ({}, False, {}, "need a PoseFlow"),
        ({"emotions": ("happy", "neutral")}, True, {"emotion": "sad"}, "trained on no 'sad' clips"),
        ({"blinks": None}, True, {"blinks": BlinkSettings(frames=(3,))}, "no blink model"),
        (
            {"lineage": {"face_model": "a"}},
            True,
            {"emotion": Reference("r", np.zeros((1, 64), np.float32), face_model="b")},
            "face model b",
        ),
    ],
    ids=["latents", "poseflow", "emotion", "blinks", "face-model"],
)
def test_what_the_models_cannot_do_is_named(expflow: dict[str, object], with_pose: bool, changes: dict[str, object], message: str) -> None:
    made = CoefficientGenerator(without(expression_model(), **expflow), pose_model() if with_pose else None)
    (result,) = made.generate([request(10, 0, **changes)])

    assert isinstance(result, FailedItem)
    assert message in result.message


def test_models_without_audio_and_source_need_only_a_length() -> None:
    plain = expression_model(has_audio=False, has_source=False)
    asked = GenerationRequest("quiet", frames=30, pose=PoseMode.FIXED)

    assert generated(asked, CoefficientGenerator(plain)).beta.shape == (30, 64)


def test_projection_moves_towards_the_training_latents() -> None:
    asked = request(30, 3, blinks=NO_BLINKS)
    betas = [generated(dataclasses.replace(asked, projection=share)).beta for share in (0.0, 0.5, 1.0)]

    assert 0 < np.abs(betas[1] - betas[0]).mean() < np.abs(betas[2] - betas[0]).mean()


def test_no_requests_give_no_results() -> None:
    assert generator().generate([]) == []
