"""The driving curves of a clip: mouth from phonemes, face from emotion, blinks, gaze and head pose from a seeded generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from pipelines.corpora.demo.action_units import UNITS, Unit
from pipelines.corpora.demo.emotions import EmotionStyle
from pipelines.corpora.demo.portrait import Float
from pipelines.corpora.demo.speech import Phoneme
from pipelines.corpora.demo.visemes import is_stressed, mouth_curves
from pipelines.media_time import CLIP_FPS

# Largest pose (radians), approached smoothly, and standard deviation of its wandering.
_POSE_LIMIT_RAD = np.array([0.22, 0.18, 0.16])
_POSE_SPREAD_RAD = np.array([0.10, 0.085, 0.065])
_SHIFT_LIMIT = np.array([0.030, 0.022, 0.16])  # translation as shares of the frame's side; z moves the head nearer and farther
_SHIFT_SPREAD = np.array([0.010, 0.007, 0.06])
_NOD_RAD = 0.05
# Blinks come by chance, 60 / 3.75 = 16 a minute, with a pause after each; the lids close faster than they open.
_BLINK_PAUSE_S, _BLINK_MEAN_S = 0.75, 3.75
_BLINK_CLOSING_S, _BLINK_OPENING_S = (0.08, 0.13), (0.13, 0.21)
_SQUINT_CLOSES = 0.5  # share of the eye that a full squint closes


@dataclass(frozen=True)
class MotionCurves:
    """Driving curves per 25 fps frame.

    Attributes:
        units: float64 (frames, units), in the order of `UNITS`.
        gaze: float64 (frames, 2), right and down, as shares of the eye distance.
        tongue: float64 (frames,), 0..1.
        blink: float64 (frames,), 0..1, the blinks alone, without the emotion's openness.
        pose: float64 (frames, 6): yaw, pitch, roll in radians, translation x, y, z in frame pixels.
    """

    units: Float
    gaze: Float
    tongue: Float
    blink: Float
    pose: Float


def draw_curves(
    phonemes: Sequence[Phoneme], frames: int, lead_s: float, style: EmotionStyle, strength: float, size_px: int, rng: np.random.Generator
) -> MotionCurves:
    """Return the curves of one clip.

    Args:
        phonemes: with times from the first sample of speech.
        frames: length of the clip.
        lead_s: silence before the speech.
        style: the emotion at full strength.
        strength: 0..1 of it.
        size_px: side of the frame, for the translation.
        rng: the clip's own generator; curves depend on nothing else.
    """
    stresses_s = [phoneme.start_s + lead_s for phoneme in phonemes if is_stressed(phoneme.ipa)]
    pose = _pose(frames, stresses_s, style, strength, size_px, rng)
    blink = _blinks(frames, rng)
    gaze = _gaze(frames, pose, rng)
    mouth = mouth_curves(phonemes, frames, lead_s)
    units = _emotion(frames, style, strength, rng)
    _add_speech(units, mouth, 1 + (style.jaw_gain - 1) * strength)
    _add_stress(units, stresses_s, strength)
    _add_lids(units, blink)
    return MotionCurves(units, gaze, mouth["tongue"], blink, pose)


def _column(unit: Unit) -> int:
    return UNITS.index(unit)


def _wander(frames: int, sigma_s: float, rng: np.random.Generator) -> Float:
    """Return smooth noise (frames,) with a standard deviation of 1 over long times; a longer clip begins differently."""
    sigma = sigma_s * CLIP_FPS
    margin = int(4 * sigma) + 1
    white = rng.standard_normal(frames + 2 * margin)
    smooth = gaussian_filter1d(white, sigma, mode="constant")[margin : margin + frames]
    return np.asarray(smooth * np.sqrt(2 * np.sqrt(np.pi) * sigma))


def _limited(values: Float, limit: float) -> Float:
    return np.asarray(limit * np.tanh(values / limit))


def _bumps(frames: int, times_s: Sequence[float], sigma_s: float) -> Float:
    at_s = np.arange(frames) / CLIP_FPS
    away = (at_s[:, None] - np.array(times_s, dtype=np.float64)[None]) / sigma_s
    return np.asarray(np.exp(-0.5 * away**2).sum(axis=1))


def _pose(frames: int, stresses_s: Sequence[float], style: EmotionStyle, strength: float, size_px: int, rng: np.random.Generator) -> Float:
    liveliness = 1 + (style.liveliness - 1) * strength
    pose = np.zeros((frames, 6))
    for axis in range(3):
        slow, quick = _wander(frames, 0.7, rng), _wander(frames, 0.24, rng)
        pose[:, axis] = _POSE_SPREAD_RAD[axis] * (0.92 * slow + 0.3 * liveliness * quick)
    nods = [time_s for time_s in stresses_s if rng.random() < 0.7]
    pose[:, 1] += _NOD_RAD * liveliness * _bumps(frames, nods, 0.10) + style.pitch_rad * strength
    pose[:, 2] += style.roll_rad * strength
    for axis in range(3):
        pose[:, axis] = _limited(pose[:, axis], _POSE_LIMIT_RAD[axis])
        shift = _SHIFT_SPREAD[axis] * _wander(frames, 0.6, rng)
        pose[:, 3 + axis] = _limited(shift, _SHIFT_LIMIT[axis]) * size_px
    return pose


def _blinks(frames: int, rng: np.random.Generator) -> Float:
    """Return blinks at random times, 16 a minute in the mean, each from 210 to 340 ms long with one frame fully closed.

    A clip is a piece of a longer performance, so it begins anywhere between two blinks; a short one may have none.
    """
    at_s = np.arange(frames) / CLIP_FPS
    closed = np.zeros(frames)
    time_s = _blink_interval(rng) * (rng.random() - 1)
    while (time_s := time_s + _blink_interval(rng)) < at_s[-1]:
        shut_s = round(time_s * CLIP_FPS) / CLIP_FPS
        closing = 1 + (at_s - shut_s) / rng.uniform(*_BLINK_CLOSING_S)
        opening = 1 - (at_s - shut_s) / rng.uniform(*_BLINK_OPENING_S)
        blink = np.clip(np.minimum(closing, opening), 0, 1)
        closed = np.maximum(closed, blink * blink * (3 - 2 * blink))
    return closed


def _blink_interval(rng: np.random.Generator) -> float:
    return _BLINK_PAUSE_S + float(rng.exponential(_BLINK_MEAN_S - _BLINK_PAUSE_S))


def _gaze(frames: int, pose: Float, rng: np.random.Generator) -> Float:
    """Eyes stay on the camera while the head turns, with small jumps aside now and then."""
    target = np.zeros((frames, 2))
    start = 0
    while start < frames:
        end = start + int(rng.integers(12, 45))
        target[start:end] = rng.normal(0, [0.010, 0.004])
        start = end
    jumps = gaussian_filter1d(target, 0.6, axis=0, mode="nearest")
    back = np.column_stack([0.10 * np.sin(pose[:, 0]), -0.08 * np.sin(pose[:, 1])])
    return np.asarray(np.clip(jumps + back, -0.035, 0.035))


def _emotion(frames: int, style: EmotionStyle, strength: float, rng: np.random.Generator) -> Float:
    """Return the emotion's offsets, breathing a little, with small movements of the brows of their own."""
    units = np.zeros((frames, len(UNITS)))
    swell = strength * (1 + _limited(0.10 * _wander(frames, 0.8, rng), 0.2))
    for unit, offset in style.units.items():
        units[:, _column(unit)] = offset * swell
    lift = 0.16 * _wander(frames, 0.5, rng)
    for unit in (Unit.BROW_INNER, Unit.BROW_OUTER_LEFT, Unit.BROW_OUTER_RIGHT):
        units[:, _column(unit)] += lift
    units[:, _column(Unit.BROW_LOWER)] += np.abs(0.06 * _wander(frames, 0.5, rng))
    return units


def _add_speech(units: Float, mouth: dict[str, Float], jaw_gain: float) -> None:
    """Add the mouth's movements; a seal closes whatever gap jaw and emotion have opened."""
    seal = mouth["seal"]
    speaking = np.clip(mouth["jaw"] * 4 + seal, 0, 1)
    jaw = np.clip(units[:, _column(Unit.JAW)] + mouth["jaw"] * jaw_gain, 0, 1)
    units[:, _column(Unit.PRESS)] *= 1 - speaking  # lips are pressed in pauses only
    for unit in (Unit.ROUND, Unit.WIDE, Unit.PRESS, Unit.BITE, Unit.UPPER_LIP, Unit.LOWER_LIP):
        units[:, _column(unit)] += mouth[unit.value]
    # A mouth that smiles is wide already, and no mouth is wider than wide.
    smile = np.clip(units[:, [_column(Unit.SMILE_LEFT), _column(Unit.SMILE_RIGHT)]].mean(axis=1), 0, 1)
    units[:, _column(Unit.WIDE)] = np.minimum(units[:, _column(Unit.WIDE)] * (1 - 0.3 * smile), 1)
    for unit in (Unit.UPPER_LIP, Unit.LOWER_LIP, Unit.BITE):
        units[:, _column(unit)] *= 1 - seal
    bite = units[:, _column(Unit.BITE)]
    seal = np.maximum(seal, 0.55 * np.clip(bite, 0, 1))
    units[:, _column(Unit.JAW)] = jaw
    units[:, _column(Unit.SEAL)] = jaw * seal


def _add_stress(units: Float, stresses_s: Sequence[float], strength: float) -> None:
    beat = 0.3 * (0.5 + 0.5 * strength) * _bumps(len(units), stresses_s, 0.09)
    for unit in (Unit.BROW_INNER, Unit.BROW_OUTER_LEFT, Unit.BROW_OUTER_RIGHT):
        units[:, _column(unit)] += beat


def _add_lids(units: Float, blink: Float) -> None:
    """Lids close from where the emotion holds them, and never farther than shut."""
    squint = np.clip(units[:, _column(Unit.SQUINT)], 0, 1)
    units[:, _column(Unit.SQUINT)] = squint
    shut = 1 - _SQUINT_CLOSES * squint
    for unit in (Unit.LID_LEFT, Unit.LID_RIGHT):
        held = np.minimum(units[:, _column(unit)], 0.6 * shut)
        units[:, _column(unit)] = held + (shut - held) * blink
