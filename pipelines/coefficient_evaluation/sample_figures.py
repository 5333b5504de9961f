"""The figures of samples made for held-out clips: lip sync, emotion, smoothness, blinks, diversity. Plain arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.blinks.eye_openness import EyeOpenness
from pipelines.coefficient_evaluation.blink_measures import blink_overlap, blinks_per_minute
from pipelines.coefficient_evaluation.curve_measures import Floats, amplitude_ratio, jitter_ratio, pearson
from pipelines.coefficient_evaluation.diversity import NaturalSpread, mean_spread_ratio, natural_spread, pooled_spread_ratio, seed_variance
from pipelines.coefficient_evaluation.emotion_judge import EmotionJudge, accuracy
from pipelines.coefficient_evaluation.face_curves import LinearCurve
from pipelines.face_model.fit_quality import blink_frames

Figures = dict[str, float | None]
"""Figures by name; None where the data do not have what it takes."""


@dataclass(frozen=True)
class RealClip:
    """A recorded clip: clip id, emotion (empty: unknown), beta (frames, 64), rho (frames, 6)."""

    clip_id: str
    emotion: str
    beta: Floats
    rho: Floats


@dataclass(frozen=True)
class SampledClip:
    """What was generated for one held-out clip.

    Attributes:
        real: the clip, whose audio and emotion the samples were made with.
        beta: (seeds, frames, 64).
        rho: (seeds, frames, 6); None: no poses were generated.
    """

    real: RealClip
    beta: Floats
    rho: Floats | None


@dataclass(frozen=True)
class Yardstick:
    """What samples are measured with: real training clips and curves of the face model.

    Attributes:
        train: training clips.
        expression, pose: their natural spread.
        judge: of emotions, trained on them; None: they have no labels to train on.
        mouth: opening of the mouth; None: no face model that has one.
        eyes: opening of the eyes; None likewise.
    """

    train: Sequence[RealClip]
    expression: NaturalSpread
    pose: NaturalSpread
    judge: EmotionJudge | None
    mouth: LinearCurve | None
    eyes: EyeOpenness | None


def make_yardstick(train: Sequence[RealClip], judge: EmotionJudge | None, mouth: LinearCurve | None, eyes: EyeOpenness | None) -> Yardstick:
    """Return a yardstick of training clips, with their natural spread worked out."""
    emotions = [clip.emotion for clip in train]
    expression = natural_spread([clip.beta for clip in train], emotions)
    pose = natural_spread([clip.rho for clip in train], emotions)
    return Yardstick(train, expression, pose, judge, mouth, eyes)


def sample_figures(clips: Sequence[SampledClip], yardstick: Yardstick, driven: Mapping[str, Floats] | None = None) -> Figures:
    """Return every figure of samples of held-out clips (see docs/coefficient_evaluation.md for what each one is).

    Args:
        clips: one or more held-out clips, two seeds or more of each.
        yardstick: see `Yardstick`.
        driven: by clip id, the curve (frames,) that drove the mouth, where it is known.
    """
    return {
        **_mouth_figures(clips, yardstick, driven or {}),
        **_emotion_figures(clips, yardstick),
        **_smoothness_figures(clips),
        **_blink_figures(clips, yardstick),
        **_diversity_figures(clips, yardstick),
    }


def _mouth_figures(clips: Sequence[SampledClip], yardstick: Yardstick, driven: Mapping[str, Floats]) -> Figures:
    mouth = yardstick.mouth
    if mouth is None:
        return dict.fromkeys(("mouth_opening_r", "mouth_opening_r_driven", "real_mouth_opening_r_driven", "mouth_amplitude_ratio"))
    pairs = [(mouth.of(beta), mouth.of(clip.real.beta)) for clip in clips for beta in clip.beta]
    known = [(mouth.of(clip.beta), mouth.of(clip.real.beta), driven[clip.real.clip_id]) for clip in clips if clip.real.clip_id in driven]
    return {
        "mouth_opening_r": _mean([pearson(sampled, real) for sampled, real in pairs]),
        "mouth_opening_r_driven": _mean([pearson(curve, drive) for sampled, _, drive in known for curve in sampled]),
        "real_mouth_opening_r_driven": _mean([pearson(real, drive) for _, real, drive in known]),
        "mouth_amplitude_ratio": _mean([amplitude_ratio(sampled, real) for sampled, real in pairs]),
    }


def _emotion_figures(clips: Sequence[SampledClip], yardstick: Yardstick) -> Figures:
    judge = yardstick.judge
    known = [clip for clip in clips if judge is not None and clip.real.emotion in judge.labels]
    samples = [beta for clip in known for beta in clip.beta]
    expected = [clip.real.emotion for clip in known for _ in clip.beta]
    reals, labels = [clip.real.beta for clip in known], [clip.real.emotion for clip in known]
    if judge is None or not known:
        names = ("emotion_accuracy_nearest_mean", "emotion_accuracy_classifier")
        return {**dict.fromkeys(names), **dict.fromkeys(f"real_{name}" for name in names)}
    return {
        "emotion_accuracy_nearest_mean": accuracy(judge.nearest_mean(samples), expected),
        "emotion_accuracy_classifier": accuracy(judge.classify(samples), expected),
        "real_emotion_accuracy_nearest_mean": accuracy(judge.nearest_mean(reals), labels),
        "real_emotion_accuracy_classifier": accuracy(judge.classify(reals), labels),
    }


def _smoothness_figures(clips: Sequence[SampledClip]) -> Figures:
    posed = [(clip.rho, clip.real.rho) for clip in clips if clip.rho is not None]
    turned = jitter_ratio([rho[:, :3] for sampled, _ in posed for rho in sampled], [real[:, :3] for _, real in posed]) if posed else None
    expression = jitter_ratio([beta for clip in clips for beta in clip.beta], [clip.real.beta for clip in clips])
    return {"jitter_ratio": expression, "pose_jitter_ratio": turned}


def _blink_figures(clips: Sequence[SampledClip], yardstick: Yardstick) -> Figures:
    eyes = yardstick.eyes
    if eyes is None:
        names = ("blinks_per_minute", "real_blinks_per_minute", "blink_rate_ratio", "blink_time_overlap", "blink_time_overlap_by_chance")
        return dict.fromkeys(names)
    curves = [[eyes.curve(beta) for beta in clip.beta] for clip in clips]
    found = blinks_per_minute([curve for samples in curves for curve in samples])
    natural = blinks_per_minute([eyes.curve(clip.beta) for clip in yardstick.train])
    overlap, chance, blinks = 0.0, 0.0, 0
    for samples in curves:
        times = [blink_frames(curve) for curve in samples]
        count = sum(map(len, times))
        if count:
            shared, expected = blink_overlap(times, len(samples[0]))
            overlap, chance, blinks = overlap + shared * count, chance + expected * count, blinks + count
    return {
        "blinks_per_minute": found,
        "real_blinks_per_minute": natural,
        "blink_rate_ratio": found / natural if natural else None,
        "blink_time_overlap": overlap / blinks if blinks else None,
        "blink_time_overlap_by_chance": chance / blinks if blinks else None,
    }


def _diversity_figures(clips: Sequence[SampledClip], yardstick: Yardstick) -> Figures:
    expressions = [seed_variance(clip.beta) for clip in clips if len(clip.beta) > 1]
    poses = [seed_variance(clip.rho) for clip in clips if clip.rho is not None and len(clip.rho) > 1]
    return {
        "expression_spread": _ratio(expressions, yardstick.expression.stddev, pooled=True),
        "expression_spread_within_emotion": _ratio(expressions, yardstick.expression.within, pooled=True),
        "pose_spread": _ratio(poses, yardstick.pose.stddev, pooled=False),
        "pose_spread_within_emotion": _ratio(poses, yardstick.pose.within, pooled=False),
    }


def _ratio(variances: Sequence[Floats], natural: Floats, *, pooled: bool) -> float | None:
    if not variances:
        return None
    return pooled_spread_ratio(variances, natural) if pooled else mean_spread_ratio(variances, natural)


def _mean(values: Sequence[float]) -> float | None:
    """Return the mean of the finite ones; a curve that stands still has no correlation and counts as 0."""
    found: NDArray[np.float64] = np.nan_to_num(np.array(values, dtype=np.float64))
    return float(found.mean()) if len(found) else None
