"""Curves stay in their ranges, blink as people do, and depend on the seed alone."""
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
    lids = motion.units[:, UNITS.index(Unit.LID_LEFT)] + 0.5 * motion.units[:, UNITS.index(Unit.SQUINT)]
    assert lids.max() <= 1 + 1e-9
    seal, jaw = motion.units[:, UNITS.index(Unit.SEAL)], motion.units[:, UNITS.index(Unit.JAW)]
    assert np.all(seal <= jaw + 1e-9)


def _blinks(motion: MotionCurves) -> list[tuple[int, int]]:
    """Return beginning and end of each run of frames with closing lids."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], motion.blink > 0, [0]]).astype(int)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def test_blinks_are_as_frequent_and_as_long_as_peoples() -> None:
    motions = [_draw(Emotion.NEUTRAL, seed, frames=80) for seed in range(150)]
    blinks = [(begin, end) for motion in motions for begin, end in _blinks(motion) if begin > 0 and end < 80]
    minutes = len(motions) * 80 / 25 / 60
    shut = sum(int((np.diff((motion.blink > 0.5).astype(int)) == 1).sum()) for motion in motions)
    assert 12 <= shut / minutes <= 20
    assert {end - begin for begin, end in blinks} <= set(range(4, 10))  # frames in which the lids are under way, 40 ms apart
    begins = np.array([begin for begin, _ in blinks])
    assert np.histogram(begins, bins=4, range=(0, 80))[0].min() > len(begins) / 8  # at any time of a clip


@pytest.mark.parametrize("seed", range(8))
def test_the_lids_shut_in_a_blink(seed: int) -> None:
    motion = _draw(Emotion.NEUTRAL, seed, frames=500)
    assert motion.blink.max() == 1
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
