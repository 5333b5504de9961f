"""The figures of a report, gathered from clips and rejections as they stream by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.reports.value_histogram import ValueHistogram
from storage_schemas.rejections import RejectionReason

_FRAMES_PER_HOUR = 25 * 3600
_ROWS_KEPT_PER_REASON = 1000


@dataclass
class FitStatistics:
    """How well a face model fits clips; those without coefficients are not counted.

    Attributes:
        clips, frames: number of clips with coefficients and of their frames.
        error_percent_iod, jitter_ratio, flagged_percent: histograms over clips.
        flagged_frames: sum over clips of frames times the flagged share.
    """

    clips: int = 0
    frames: int = 0
    error_percent_iod: ValueHistogram = field(default_factory=lambda: ValueHistogram(0.01))
    jitter_ratio: ValueHistogram = field(default_factory=lambda: ValueHistogram(0.01))
    flagged_percent: ValueHistogram = field(default_factory=lambda: ValueHistogram(0.5))
    flagged_frames: float = 0.0

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the clips of a batch of `clips.parquet`."""
        names = ("coefficients_part", "frames", "fit_error_percent_iod", "fit_jitter_ratio", "fit_flagged_share")
        table = pa.table({name: batch.column(name) for name in names})
        table = table.filter(pc.not_equal(pc.fill_null(table["coefficients_part"], ""), ""))
        if not table.num_rows:
            return
        self.clips += table.num_rows
        self.frames += pc.sum(table["frames"]).as_py()
        self.error_percent_iod.add(table["fit_error_percent_iod"].combine_chunks())
        self.jitter_ratio.add(
            table["fit_jitter_ratio"].filter(pc.greater(table["fit_jitter_ratio"], 0)).combine_chunks()
        )  # 0: not measured
        self.flagged_percent.add(pc.multiply(table["fit_flagged_share"], 100.0).combine_chunks())
        self.flagged_frames += pc.sum(pc.multiply(table["fit_flagged_share"], table["frames"])).as_py()

    @property
    def flagged_frames_share(self) -> float:
        """Share of all fitted frames that are flagged."""
        return self.flagged_frames / self.frames if self.frames else 0.0


@dataclass
class ClipStatistics:
    """Totals and histograms of clips; memory grows with the number of speakers and of different values, not with the clips.

    Attributes:
        clips, frames: number of clips and of 25 fps frames.
        clips_by_group: clips by (speaker, emotion).
        clips_by_split, frames_by_split: by split.
        speakers_by_split: the speakers of each split.
        duration_s, face_height_px, detection_rate: histograms over clips; the face height is in source pixels.
        source_fps: clips by source frame rate, rounded to two digits.
        clips_by_size: clips by source frame size as (width, height) in pixels.
        licences: clips by licence note; "" where there is none.
        fits: how well the face model fits them.
    """

    clips: int = 0
    frames: int = 0
    clips_by_group: Counter[tuple[str, str]] = field(default_factory=Counter)
    clips_by_split: Counter[str] = field(default_factory=Counter)
    frames_by_split: Counter[str] = field(default_factory=Counter)
    speakers_by_split: dict[str, set[str]] = field(default_factory=dict)
    duration_s: ValueHistogram = field(default_factory=lambda: ValueHistogram(0.1))
    face_height_px: ValueHistogram = field(default_factory=lambda: ValueHistogram(1.0))
    detection_rate: ValueHistogram = field(default_factory=lambda: ValueHistogram(0.001))
    source_fps: Counter[float] = field(default_factory=Counter)
    clips_by_size: Counter[tuple[int, int]] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    fits: FitStatistics = field(default_factory=FitStatistics)

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the clips of a batch of `clips.parquet`."""
        self.clips += batch.num_rows
        for speaker, emotion, split, clips, frames in _grouped(batch, ["speaker", "emotion", "split"]):
            self.frames += frames
            self.clips_by_group[speaker, emotion] += clips
            self.clips_by_split[split] += clips
            self.frames_by_split[split] += frames
            self.speakers_by_split.setdefault(split, set()).add(speaker)
        for width, height, clips, _ in _grouped(batch, ["source_width_px", "source_height_px"]):
            self.clips_by_size[width, height] += clips
        for licence, clips, _ in _grouped(batch, ["licence"]):
            self.licences[licence or ""] += clips
        for fps, clips, _ in _grouped(batch, ["source_fps"]):
            self.source_fps[round(fps, 2)] += clips
        self.duration_s.add(batch.column("duration_s"))
        self.face_height_px.add(batch.column("face_height_px"))
        self.detection_rate.add(batch.column("detection_rate"))
        self.fits.add(batch)

    @property
    def hours(self) -> float:
        """Length of all clips together."""
        return self.frames / _FRAMES_PER_HOUR

    @property
    def speakers(self) -> int:
        """Number of different speakers."""
        return len({speaker for speaker, _ in self.clips_by_group})

    def hours_of_split(self, split: str) -> float:
        """Length of all clips of a split together."""
        return self.frames_by_split[split] / _FRAMES_PER_HOUR


def _grouped(batch: pa.RecordBatch, columns: list[str]) -> Iterable[tuple[Any, ...]]:
    """Yield (value of each column, clips, frames) for every combination of values."""
    table = pa.table({name: batch.column(name) for name in [*columns, "frames"]})
    grouped = table.group_by(columns).aggregate([([], "count_all"), ("frames", "sum")])
    return zip(*(grouped.column(name).to_pylist() for name in [*columns, "count_all", "frames_sum"]), strict=True)


@dataclass
class RejectionStatistics:
    """Rejections by reason, with the first rows of each for the report's tables.

    Attributes:
        by_reason: rejections by reason.
        rows: the first rows of each reason, at most 1000, as they arrive (sorted by item).
    """

    by_reason: Counter[RejectionReason] = field(default_factory=Counter)
    rows: dict[RejectionReason, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the rows of a batch of `rejections.parquet`."""
        reasons = batch.column("reason").to_pylist()
        for row_number, value in enumerate(reasons):
            reason = RejectionReason(value)
            self.by_reason[reason] += 1
            rows = self.rows.setdefault(reason, [])
            if len(rows) < _ROWS_KEPT_PER_REASON:
                rows.extend(batch.slice(row_number, 1).to_pylist())

    @property
    def total(self) -> int:
        """Number of rejections."""
        return self.by_reason.total()

    def rows_within(self, most: int) -> dict[RejectionReason, list[dict[str, Any]]]:
        """Return the first rows of each reason, `most` in all, shared out so that no reason crowds out another."""
        left = most
        shared: dict[RejectionReason, list[dict[str, Any]]] = {}
        by_size = sorted(self.rows, key=lambda reason: (len(self.rows[reason]), reason.value))
        for number, reason in enumerate(by_size):
            shared[reason] = self.rows[reason][: left // (len(by_size) - number)]
            left -= len(shared[reason])
        return shared
