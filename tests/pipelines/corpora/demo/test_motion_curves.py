"""Curves stay in their ranges, blink, and depend on the seed alone."""
# ruff: noqa: RUF001 - the symbols of the International Phonetic Alphabet are meant

from __future__ import annotations

import numpy as np
import pytest

from pipelines.corpora.demo.action_units import UNITS, Unit
from pipelines.corpora.demo.emotions import EMOTIONS, LEVEL_STRENGTH, STYLES
from pipelines.corpora.demo.motion_curves import MotionCurves, draw_curves
from pipelines.corpora.demo.speech import Phoneme
from storage_schemas.identifiers import Emotion

_PHONEMES = [
    Phoneme(ipa, 0.12 * k, 0.12 * (k + 1)) for k, ipa in enumerate(["b", "ˈɑː", "m", "s", "ˈiː", "f", "uː", "", "p", "ˈɔː", "l", "t"])
]


def _draw(emotion: Emotion, seed: int, frames: int = 60) -> MotionCurves:
    return draw_curves(_PHONEMES, frames, 0.4, STYLES[emotion], 1.0, 512, np.random.default_rng(seed))


def test_there_is_a_style_for_every_emotion_of_mead() -> None:
    assert set(EMOTIONS) == set(Emotion) - {Emotion.UNLABELLED}
    assert LEVEL_STRENGTH[1] < LEVEL_STRENGTH[2] < LEVEL_STRENGTH[3] == 1


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_ranges(emotion: Emotion) -> None:
    motion = _draw(emotion, 3, frames=200)
    assert motion.units.shape == (200, len(UNITS))
    assert np.all(np.abs(motion.pose[:, :3]) <= (0.22, 0.18, 0.16))
    assert np.all(np.abs(motion.gaze) <= 0.035)
    lids = motion.units[:, UNITS.index(Unit.LID_LEFT)] + 0.52 * motion.units[:, UNITS.index(Unit.SQUINT)]
    assert lids.max() <= 1 + 1e-9
    seal, jaw = motion.units[:, UNITS.index(Unit.SEAL)], motion.units[:, UNITS.index(Unit.JAW)]
    assert np.all(seal <= jaw + 1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_every_clip_blinks_and_the_lids_shut(seed: int) -> None:
    motion = _draw(Emotion.NEUTRAL, seed)
    assert motion.blink.max() == 1
    assert 1 <= (np.diff((motion.blink > 0.5).astype(int)) == 1).sum() <= 3
    assert motion.units[motion.blink == 1, UNITS.index(Unit.LID_LEFT)] == pytest.approx(1)


def test_the_same_seed_gives_the_same_curves_and_another_does_not() -> None:
    first, again, other = _draw(Emotion.SAD, 1), _draw(Emotion.SAD, 1), _draw(Emotion.SAD, 2)
    assert np.array_equal(first.pose, again.pose)
    assert np.array_equal(first.units, again.units)
    assert not np.array_equal(first.pose, other.pose)


def test_emotions_differ_from_neutral() -> None:
    neutral = _draw(Emotion.NEUTRAL, 5).units.mean(axis=0)
    for emotion in set(EMOTIONS) - {Emotion.NEUTRAL}:
        assert np.abs(_draw(emotion, 5).units.mean(axis=0) - neutral).max() > 0.4


def test_silence_without_phonemes() -> None:
    motion = draw_curves([], 50, 0.4, STYLES[Emotion.NEUTRAL], 1.0, 256, np.random.default_rng(0))
    assert np.all(motion.units[:, UNITS.index(Unit.JAW)] == 0)
