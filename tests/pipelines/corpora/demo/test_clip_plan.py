"""The plan is a prefix of every larger plan, names no file twice and uses every speaker and emotion."""

from __future__ import annotations

from pipelines.corpora.demo.clip_plan import plan_clips
from storage_schemas.identifiers import Emotion


def test_a_smaller_corpus_is_the_beginning_of_a_larger_one() -> None:
    assert plan_clips(40, 7)[:11] == plan_clips(11, 7)
    assert plan_clips(11, 7) != plan_clips(11, 8)


def test_no_two_clips_share_a_file() -> None:
    plan = plan_clips(400, 0)
    assert len({clip.video for clip in plan}) == 400
    assert len({clip.clip_id for clip in plan}) == 400


def test_takes_are_numbered_without_gaps() -> None:
    takes: dict[tuple[str, str, int], list[int]] = {}
    for clip in plan_clips(400, 0):
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
