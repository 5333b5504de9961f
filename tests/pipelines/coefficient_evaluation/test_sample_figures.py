from __future__ import annotations

import numpy as np
import pytest

from pipelines.blinks.eye_openness import EyeOpenness
from pipelines.coefficient_evaluation.emotion_judge import train_judge
from pipelines.coefficient_evaluation.face_curves import LinearCurve
from pipelines.coefficient_evaluation.sample_figures import RealClip, SampledClip, Yardstick, make_yardstick, sample_figures

FRAMES, SEEDS = 90, 4
EMOTIONS = ("angry", "happy", "neutral")
MOUTH, EYES = 0, 1


def unit(feature: int) -> np.ndarray:
    return np.eye(64)[feature]


def real_clip(emotion: str, seed: int) -> RealClip:
    rng = np.random.default_rng([seed, EMOTIONS.index(emotion)])
    beta = 0.1 * rng.standard_normal((FRAMES, 64)) + EMOTIONS.index(emotion) * unit(5)
    beta[:, MOUTH] = np.convolve(rng.standard_normal(FRAMES + 4), np.full(5, 0.2), "valid")
    beta[:, EYES] = 1.0
    shut = int(rng.integers(20, 70))
    beta[shut - 1 : shut + 2, EYES] = [0.4, 0.0, 0.4]
    return RealClip(f"{emotion}/{seed}", emotion, beta, 0.1 * rng.standard_normal((FRAMES, 6)))


def yardstick() -> Yardstick:
    train = [real_clip(emotion, seed) for emotion in EMOTIONS for seed in range(6)]
    judge = train_judge([clip.beta for clip in train], [clip.emotion for clip in train])
    return make_yardstick(train, judge, LinearCurve(unit(MOUTH), 0.2), EyeOpenness(unit(EYES), 0.0))


def held_out() -> list[RealClip]:
    return [real_clip(emotion, 100 + seed) for emotion in EMOTIONS for seed in range(2)]


def test_copies_of_the_truth_are_perfect_but_not_diverse() -> None:
    clips = [SampledClip(clip, np.repeat(clip.beta[None], SEEDS, axis=0), np.repeat(clip.rho[None], SEEDS, axis=0)) for clip in held_out()]
    driven = {clip.real.clip_id: clip.real.beta[:, MOUTH] * 3 for clip in clips}

    found = sample_figures(clips, yardstick(), driven)

    for name in ("mouth_opening_r", "mouth_opening_r_driven", "mouth_amplitude_ratio", "jitter_ratio", "pose_jitter_ratio"):
        assert found[name] == pytest.approx(1), name
    for name in ("emotion_accuracy_nearest_mean", "emotion_accuracy_classifier", "blink_time_overlap", "blink_rate_ratio"):
        assert found[name] == pytest.approx(1), name
    for name in ("expression_spread", "pose_spread", "pose_spread_within_emotion"):
        assert found[name] == pytest.approx(0, abs=1e-9), name


def test_other_clips_of_the_emotion_are_diverse_but_out_of_sync() -> None:
    clips = []
    for clip in held_out():
        others = [real_clip(clip.emotion, 200 + seed) for seed in range(12)]
        clips.append(SampledClip(clip, np.stack([one.beta for one in others]), np.stack([one.rho for one in others])))

    found = sample_figures(clips, yardstick())

    assert abs(found["mouth_opening_r"] or 0) < 0.15
    assert found["emotion_accuracy_classifier"] == 1
    assert found["expression_spread_within_emotion"] == pytest.approx(1, abs=0.1)
    assert found["pose_spread"] == pytest.approx(1, abs=0.1)
    assert found["blink_rate_ratio"] == pytest.approx(1)
    assert found["blink_time_overlap"] == pytest.approx(found["blink_time_overlap_by_chance"], abs=0.1)


def test_samples_of_a_wrong_emotion_are_found() -> None:
    wrong = {"angry": "happy", "happy": "neutral", "neutral": "angry"}
    clips = [SampledClip(clip, real_clip(wrong[clip.emotion], 7).beta[None].repeat(2, 0), None) for clip in held_out()]

    found = sample_figures(clips, yardstick())

    assert found["emotion_accuracy_nearest_mean"] == 0
    assert found["real_emotion_accuracy_nearest_mean"] == 1
    assert found["pose_spread"] is None
    assert found["pose_jitter_ratio"] is None


def test_what_cannot_be_measured_is_none() -> None:
    train = [RealClip("a", "", np.random.default_rng(0).standard_normal((30, 64)), np.zeros((30, 6)))]
    bare = make_yardstick(train, None, None, None)

    found = sample_figures([SampledClip(train[0], train[0].beta[None].repeat(2, 0), None)], bare)

    assert {name for name, value in found.items() if value is not None} == {
        "jitter_ratio",
        "expression_spread",
        "expression_spread_within_emotion",
    }
