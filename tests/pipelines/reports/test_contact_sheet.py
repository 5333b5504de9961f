from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from pipelines.reports.contact_sheet import SHEET_COLUMNS, SheetClip, choose_sheet_clips
from tests.factories.report_tables import clip_batches

CLIP = SheetClip("00" * 8, "M003/angry/001_000", "M003", "angry", "train", 100, "f", "l", 0)


def batch_of(clips: list[tuple[str, str]]) -> pa.RecordBatch:
    """Return clips of given (speaker, emotion) with keys that are not in their order."""
    keys = np.random.default_rng(len(clips)).permutation(len(clips))
    rows = [
        dataclasses.asdict(dataclasses.replace(CLIP, clip_key=f"{key:016x}", clip_id=f"{key}", speaker=speaker, emotion=emotion))
        for key, (speaker, emotion) in zip(keys, clips, strict=True)
    ]
    return pa.RecordBatch.from_pylist(rows)


def test_the_columns_read_are_the_fields() -> None:
    assert [field.name for field in dataclasses.fields(SheetClip)] == list(SHEET_COLUMNS)


def test_emotions_and_speakers_are_spread_evenly() -> None:
    chosen = choose_sheet_clips(clip_batches(960, speakers=12))

    assert len(chosen) == 48
    assert set(Counter(clip.emotion for clip in chosen).values()) == {6}
    assert len({clip.speaker for clip in chosen}) >= 10


def test_an_emotion_with_few_clips_leaves_its_places_to_others() -> None:
    clips = [("A", "sad")] + [("A", "angry")] * 30 + [("B", "angry")] * 30
    chosen = choose_sheet_clips([batch_of(clips)], places=20)

    assert Counter((clip.speaker, clip.emotion) for clip in chosen) == {("A", "sad"): 1, ("A", "angry"): 10, ("B", "angry"): 9} or Counter(
        (clip.speaker, clip.emotion) for clip in chosen
    ) == {("A", "sad"): 1, ("A", "angry"): 9, ("B", "angry"): 10}


@pytest.mark.parametrize("speakers", [3, 20, 200])
def test_the_choice_does_not_depend_on_order_or_batches(speakers: int) -> None:
    clips = [(f"S{number % speakers}", "sad" if number % 7 == 0 else "angry") for number in range(600)]
    batch = batch_of(clips)
    order = np.random.default_rng(1).permutation(600)
    shuffled = batch.take(pa.array(order))

    assert choose_sheet_clips([batch], 30) == choose_sheet_clips([shuffled.slice(start, 50) for start in range(0, 600, 50)], 30)


def test_fewer_clips_than_places_are_all_taken() -> None:
    assert len(choose_sheet_clips(clip_batches(5))) == 5
    assert choose_sheet_clips([]) == []


@pytest.mark.parametrize(("frames", "shown"), [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (100, [0, 50, 99])])
def test_first_middle_and_last_frame_are_shown(frames: int, shown: list[int]) -> None:
    assert dataclasses.replace(CLIP, frames=frames).shown_frames() == shown
