"""The plan is a prefix of every larger plan, names no file twice, uses every speaker and emotion, and holds out whole sentences."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations

import pytest

from pipelines.corpora.demo.clip_plan import plan_clips
from storage_schemas.identifiers import Emotion


def test_a_smaller_corpus_is_the_beginning_of_a_larger_one() -> None:
    assert plan_clips(40, 7)[:11] == plan_clips(11, 7)
    assert plan_clips(11, 7) != plan_clips(11, 8)


@pytest.mark.parametrize("speakers", [1, 2, 3, 4])
def test_no_two_clips_share_a_file(speakers: int) -> None:
    plan = plan_clips(400, 0, speakers=speakers)
    assert len({clip.video for clip in plan}) == 400
    assert len({clip.clip_id for clip in plan}) == 400
    assert len({clip.speaker for clip in plan}) == speakers


@pytest.mark.parametrize("speakers", [1, 2, 3, 4])
def test_takes_are_numbered_without_gaps(speakers: int) -> None:
    takes: dict[tuple[str, str, int], list[int]] = {}
    for clip in plan_clips(400, 0, speakers=speakers):
        takes.setdefault((clip.speaker, clip.emotion, clip.level), []).append(clip.take)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in takes.values())


def test_emotions_and_speakers_take_turns() -> None:
    plan = plan_clips(96, 3)
    assert {clip.speaker for clip in plan[:4]} == {"D001", "D002", "D003", "D004"}
    assert [clip.emotion for clip in plan[:8]] == [clip.emotion for clip in plan[8:16]]
    assert len({clip.emotion for clip in plan[:8]}) == 8
    assert {clip.level for clip in plan if clip.emotion is Emotion.NEUTRAL} == {1}
    others = {(clip.speaker, clip.emotion, clip.level) for clip in plan if clip.emotion is not Emotion.NEUTRAL}
    assert len(others) == 4 * 7 * 3


def test_paths_are_meads() -> None:
    clip = plan_clips(1, 0)[0]
    assert clip.video.as_posix() == f"{clip.speaker}/video/front/{clip.emotion}/level_{clip.level}/001.mp4"
    assert clip.audio.as_posix() == f"{clip.speaker}/audio/{clip.emotion}/level_{clip.level}/001.m4a"
    assert clip.truth.as_posix() == f"{clip.speaker}/truth/{clip.emotion}/level_{clip.level}/001.npz"


def test_sentences_repeat_across_emotions() -> None:
    plan = plan_clips(64, 7)
    emotions_of: dict[str, set[Emotion]] = defaultdict(set)
    for clip in plan:
        emotions_of[clip.text].add(clip.emotion)
    assert Counter(clip.emotion for clip in plan) == dict.fromkeys({clip.emotion for clip in plan}, 8)
    assert len(emotions_of) == 16
    assert {len(emotions) for emotions in emotions_of.values()} == {4}
    together = {pair for emotions in emotions_of.values() for pair in combinations(sorted(emotions), 2)}
    assert len(together) >= 24  # of 28; opposite columns of the plan never meet


@pytest.mark.parametrize("clips", [24, 32, 64, 200, 500])
@pytest.mark.parametrize("speakers", [1, 3, 4])
def test_whole_sentences_are_held_out(clips: int, speakers: int) -> None:
    plan = plan_clips(clips, 7, speakers=speakers)
    sides: dict[str, set[str]] = defaultdict(set)
    for clip in plan:
        sides[clip.text].add(clip.split)
    assert {len(sides_of) for sides_of in sides.values()} == {1}
    for side in {clip.split for clip in plan}:
        assert len({clip.emotion for clip in plan if clip.split == side}) == 8
        assert len({clip.speaker for clip in plan if clip.split == side}) == speakers
    counts = Counter(clip.split for clip in plan)
    assert 0.1 <= counts["validation"] / clips <= 0.34
    assert bool(counts["test"]) == (clips >= 104)
