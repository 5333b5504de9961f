"""A fit that equals the truth agrees with it, noise and swapped axes show, and the classifier sees no sentence twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.corpora.demo.clip_plan import plan_clips
from pipelines.corpora.demo.clip_writing import score_clip
from pipelines.corpora.demo.corpus import write_demo_corpus
from pipelines.corpora.demo.fit_evaluation import SERIES, ClipComparison, agreement, emotion_accuracy, fitted_curves, true_curves
from pipelines.corpora.demo.truth import read_truth
from pipelines.face_model.clip_fitting import ClipFitter
from pipelines.face_model.fitting import FitSettings
from tests.factories.face_models import small_face_model


def _clip(emotion: str, sentence: str, mean: np.ndarray) -> ClipComparison:
    return ClipComparison(np.zeros((2, 7)), np.zeros((2, 7)), emotion, sentence, mean)


def test_agreement_of_a_scaled_and_shifted_curve() -> None:
    rng = np.random.default_rng(0)
    true = [rng.standard_normal(50) + offset for offset in (0.0, 3.0)]
    values = agreement(true, [0.5 * true[0] + 1, 0.5 * true[1] - 2])
    assert values["r_within"] == values["r_clip_median"] == 1
    assert values["slope_within"] == pytest.approx(0.5)
    assert values["r"] < 0.5


def test_emotions_are_recognised_across_sentences_and_noise_is_not() -> None:
    rng = np.random.default_rng(1)
    emotions = [f"emotion {k}" for k in range(4)]
    centres = dict(zip(emotions, 3 * rng.standard_normal((4, 6)), strict=True))
    clips = [_clip(name, f"sentence {k}", centres[name] + 0.3 * rng.standard_normal(6)) for name in emotions for k in range(6)]
    assert emotion_accuracy(clips) == 1
    blind = [_clip(clip.emotion, clip.sentence, rng.standard_normal(6)) for clip in clips]
    assert emotion_accuracy(blind) < 0.6


def test_pose_of_landmarks_as_drawn_is_found_with_its_signs(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the optional extra `speech` is not installed")
    write_demo_corpus(tmp_path, 1, seed=5, size_px=128)
    clip = plan_clips(1, 5, 128)[0]
    truth = read_truth(tmp_path / clip.truth)
    curves = true_curves(truth)
    assert curves.shape == (len(truth.curves), len(SERIES))
    assert curves[:, 4:] == pytest.approx(score_clip(clip).motion.pose[:, :3], abs=1e-5)
    assert curves[:, 0].min() < 0.04  # lips that touch do so in depth too; anger parts them a little
    model = small_face_model()
    fit = ClipFitter(model, FitSettings()).fit(truth.landmarks, 128.0)
    found = fitted_curves(model, fit.identity.astype(np.float64), fit.expression.astype(np.float64), fit.pose.astype(np.float64))
    for k in (4, 5, 6):
        assert agreement([curves[:, k]], [found[:, k]])["slope"] > 0.6, SERIES[k]
