"""Which clips a report shows, and the pictures it shows of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SHEET_CLIPS = 48
SHEET_COLUMNS = ("clip_key", "clip_id", "speaker", "emotion", "split", "frames", "frames_part", "landmarks_part", "landmarks_start")
"""Columns of `clips.parquet` that `choose_sheet_clips` reads, in the order of `SheetClip`'s fields."""


@dataclass(frozen=True, order=True)
class SheetClip:
    """One clip chosen for the contact sheet: where to find its frames and landmarks, and how it is labelled.

    Sorts by `clip_key`, a hash, so that the first of a group is a random one and the same one every time.
    """

    clip_key: str
    clip_id: str
    speaker: str
    emotion: str
    split: str
    frames: int
    frames_part: str
    landmarks_part: str
    landmarks_start: int

    def shown_frames(self) -> list[int]:
        """Return the indices of the frames to show: first, middle and last; fewer where the clip is that short."""
        return sorted({0, self.frames // 2, self.frames - 1})


@dataclass(frozen=True)
class SheetItem:
    """One picture of the contact sheet: a frame of a clip.

    Attributes:
        clip_id: items of one clip stand together.
        jpeg: the crop as stored.
        landmarks: float32 (478, 2) in crop pixels, NaN where no face was found; None: the clip has no landmarks.
        frame_index: number of the frame in its clip.
        caption: what is written under the clip besides its id, e.g. speaker and emotion.
    """

    clip_id: str
    jpeg: bytes
    landmarks: NDArray[np.float32] | None = None
    frame_index: int = 0
    caption: str = ""


@dataclass
class _Candidates:
    """The first clips of every speaker in every emotion, by `clip_key`.

    Once an emotion has more speakers than there are places, one clip of each is enough.
    """

    places: int
    by_emotion: dict[str, dict[str, list[SheetClip]]] = field(default_factory=dict)

    def add(self, clip: SheetClip) -> None:
        speakers = self.by_emotion.setdefault(clip.emotion, {})
        clips = speakers.setdefault(clip.speaker, [])
        most = self.places if len(speakers) <= self.places else 1
        if len(clips) >= most and clip > clips[most - 1]:
            return
        clips.append(clip)
        clips.sort()
        del clips[most:]


def choose_sheet_clips(batches: Iterable[pa.RecordBatch], places: int = SHEET_CLIPS) -> list[SheetClip]:
    """Return up to `places` clips spread evenly over emotions and speakers, the same ones for the same clips in any order.

    Args:
        batches: clips with at least the columns of `SheetClip`; streamed, memory grows with the number of speakers alone.
        places: how many clips are wanted.

    Returns:
        Sorted by speaker, emotion and clip id.
    """
    candidates = _Candidates(places)
    for batch in batches:
        for values in zip(*(batch.column(name).to_pylist() for name in SHEET_COLUMNS), strict=True):
            candidates.add(SheetClip(*values))
    return sorted(_take_turns(candidates.by_emotion, places), key=lambda clip: (clip.speaker, clip.emotion, clip.clip_id))


def _take_turns(by_emotion: dict[str, dict[str, list[SheetClip]]], places: int) -> list[SheetClip]:
    """Take one clip of each emotion in turn until the places are filled."""
    turns = {emotion: _speakers_in_turn(by_emotion[emotion], emotion) for emotion in sorted(by_emotion)}
    chosen: list[SheetClip] = []
    while turns and len(chosen) < places:
        for emotion in list(turns):
            clip = next(turns[emotion], None)
            if clip is None:
                del turns[emotion]
            elif len(chosen) < places:
                chosen.append(clip)
    return chosen


def _speakers_in_turn(by_speaker: dict[str, list[SheetClip]], emotion: str) -> Iterator[SheetClip]:
    """Yield the clips of an emotion, one of each speaker in turn; every emotion begins with other speakers."""
    speakers = sorted(by_speaker, key=lambda speaker: hashlib.sha256(f"{emotion}/{speaker}".encode()).digest())
    for depth in range(max(map(len, by_speaker.values()))):
        yield from (by_speaker[speaker][depth] for speaker in speakers if depth < len(by_speaker[speaker]))
