"""Which clips a report shows the fitted face of: some by chance, and the worst."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

CHANCE_CLIPS = 4
WORST_CLIPS = 4
FIT_COLUMNS = (
    "clip_key", "clip_id", "speaker", "emotion", "frames", "frames_part", "coefficients_part", "coefficients_start", "identity_row",
    "fit_error_percent_iod", "fit_flagged_share",
)  # fmt: skip
"""Columns of `clips.parquet` that `choose_fit_clips` reads, in the order of `FitClip`'s fields."""


@dataclass(frozen=True, order=True)
class FitClip:
    """A clip with coefficients: where they and its frames are, and how good they are. Sorts by `clip_key`, a hash."""

    clip_key: str
    clip_id: str
    speaker: str
    emotion: str
    frames: int
    frames_part: str
    coefficients_part: str
    coefficients_start: int
    identity_row: int
    error_percent_iod: float
    flagged_share: float


@dataclass(frozen=True)
class FitClips:
    """The clips of a report: `chance` has as many speakers as it can, `worst` has the largest errors of the others, largest first."""

    chance: list[FitClip]
    worst: list[FitClip]

    def __iter__(self) -> Iterator[FitClip]:
        return iter([*self.chance, *self.worst])


def choose_fit_clips(batches: Iterable[pa.RecordBatch], chance: int = CHANCE_CLIPS, worst: int = WORST_CLIPS) -> FitClips:
    """Return the clips to show, the same ones for the same clips in any order; memory does not grow with them.

    Args:
        batches: clips with at least `FIT_COLUMNS`; streamed. Those without coefficients are passed over.
        chance: how many are taken by the hash of their names, first one of each speaker.
        worst: how many are taken by their error.
    """
    by_speaker: dict[str, FitClip] = {}
    first: list[FitClip] = []
    poor: list[FitClip] = []
    for batch in batches:
        clips = _candidates(batch, chance, chance + worst)
        for clip in clips:
            by_speaker[clip.speaker] = min(clip, by_speaker.get(clip.speaker, clip))
        # A speaker that is dropped comes back with a clip that sorts before the others', or not at all.
        by_speaker = {clip.speaker: clip for clip in heapq.nsmallest(chance, by_speaker.values())}
        first = heapq.nsmallest(chance, {*first, *clips})
        poor = heapq.nsmallest(chance + worst, {*poor, *clips}, key=_poorest_first)
    spread = sorted(by_speaker.values())
    chosen = [*spread, *(clip for clip in first if clip not in spread)][:chance]
    return FitClips(chosen, [clip for clip in poor if clip not in chosen][:worst])


def _poorest_first(clip: FitClip) -> tuple[float, str]:
    return -clip.error_percent_iod, clip.clip_key


def _candidates(batch: pa.RecordBatch, chance: int, worst: int) -> list[FitClip]:
    """Return those rows of a batch that can be chosen: few, so that few are turned into Python objects."""
    table = pa.table({name: batch.column(name) for name in FIT_COLUMNS})
    table = table.filter(pc.not_equal(pc.fill_null(table["coefficients_part"], ""), ""))
    firsts = table.group_by("speaker").aggregate([("clip_key", "min")])["clip_key_min"].combine_chunks()
    firsts = firsts.take(pc.sort_indices(firsts)[:chance])
    by_key = [("clip_key", "ascending")]
    picked = [
        table.filter(pc.is_in(table["clip_key"], firsts)),
        table.take(pc.sort_indices(table, by_key)[:chance]),
        table.take(pc.sort_indices(table, [("fit_error_percent_iod", "descending"), *by_key])[:worst]),
    ]
    rows = {FitClip(*values) for part in picked for values in zip(*(part[name].to_pylist() for name in FIT_COLUMNS), strict=True)}
    return sorted(rows)
