"""What the page of a report shows, as plain values that the template only has to write down."""

from __future__ import annotations

import base64
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.reports.charts import Bar, HistogramChart, count_bars, histogram_chart
from pipelines.reports.contact_sheet import SheetItem
from pipelines.reports.dataset_statistics import ClipStatistics, RejectionStatistics
from pipelines.reports.landmark_drawing import thumbnail_jpeg
from pipelines.reports.readable_text import readable, readable_hours, readable_share, readable_size
from pipelines.reports.reason_texts import REASON_TEXTS
from storage_schemas.build_spec import BuildSpec
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.rejections import RejectionReason

_SPEAKERS_SHOWN = 40
_EXAMPLES_SHOWN = 3
_SPLIT_ORDER = {"train": 0, "validation": 1, "test": 2}


@dataclass(frozen=True)
class Tile:
    """One figure at the top of the page."""

    figure: str
    caption: str


@dataclass(frozen=True)
class RejectedRow:
    """One line of a rejection table."""

    item: str
    stage: str
    message: str
    numbers: str
    source: str
    span: str


@dataclass(frozen=True)
class ReasonGroup:
    """The rejections of one reason: `shown` rows of `count`."""

    reason: str
    meaning: str
    count: str
    examples: list[str]
    rows: list[RejectedRow]
    shown: str


@dataclass(frozen=True)
class SplitRow:
    """One split in numbers."""

    name: str
    clips: str
    speakers: str
    hours: str
    share: float


@dataclass(frozen=True)
class GroupRow:
    """Clips of one speaker by emotion; `shades` are 0 (none) to 5 (as many as the most)."""

    speaker: str
    counts: list[str]
    shades: list[int]
    total: str


@dataclass(frozen=True)
class SheetClipView:
    """A clip on the contact sheet: pictures as data URIs with a text each."""

    clip_id: str
    caption: str
    pictures: list[tuple[str, str]]


@dataclass(frozen=True)
class SpecRow:
    """One setting; `changed` says that it is not the default."""

    name: str
    value: str
    changed: bool


def tiles(manifest: VersionManifest, clips: ClipStatistics, rejections: RejectionStatistics) -> list[Tile]:
    """Return the figures for the top of the page."""
    counts = manifest.counts
    shown = [
        Tile(f"{clips.clips:,}", "clips"),
        Tile(readable_hours(clips.hours), "in all"),
        Tile(f"{clips.frames:,}", "frames at 25 a second"),
        Tile(f"{clips.speakers:,}", "speakers" if clips.speakers != 1 else "speaker"),
    ]
    if "recordings" in counts:
        kept = manifest.keep_rates.get("recordings")
        shown.append(Tile(f"{counts['recordings']:,}", "recordings" + (f", {readable_share(kept)} kept" if kept is not None else "")))
    shown.append(Tile(f"{rejections.total:,}", "rejections"))
    if "bytes" in counts:
        shown.append(Tile(readable_size(counts["bytes"]), f"in {counts.get('objects', 0):,} objects"))
    return shown


def keep_rate_bars(keep_rates: dict[str, float]) -> list[Bar]:
    """Return a bar for each filter in the order in which they are passed; the share of all recordings comes first."""
    places = {"recordings": -1, **{reason.value: number for number, reason in enumerate(RejectionReason)}}
    ordered = sorted(keep_rates.items(), key=lambda item: (places.get(item[0], len(places)), item[0]))
    return [Bar("all filters together" if name == "recordings" else name, rate, readable_share(rate)) for name, rate in ordered]


def reason_groups(rejections: RejectionStatistics, most_rows: int) -> list[ReasonGroup]:
    """Return the rejections by reason, most frequent first, with at most `most_rows` rows in all."""
    rows = rejections.rows_within(most_rows)
    ordered = sorted(rejections.by_reason, key=lambda reason: (-rejections.by_reason[reason], reason.value))
    return [_reason_group(reason, rejections.by_reason[reason], rows.get(reason, [])) for reason in ordered]


def _reason_group(reason: RejectionReason, count: int, rows: Sequence[dict[str, Any]]) -> ReasonGroup:
    shown = [_rejected_row(row) for row in rows]
    examples = [readable(f"{row.item}: {row.message}", 200) for row in shown[:_EXAMPLES_SHOWN]]
    return ReasonGroup(reason.value, REASON_TEXTS[reason], f"{count:,}", examples, shown, f"{len(shown):,}")


def _rejected_row(row: dict[str, Any]) -> RejectedRow:
    start_s, end_s = row["start_s"] or 0.0, row["end_s"] or 0.0
    span = f"{start_s:.2f} to {end_s:.2f} s" if end_s > start_s else ""
    source = readable(row["source_video"] or "", 120)
    return RejectedRow(readable(row["item_id"], 120), row["stage"], readable(row["message"]), _numbers(row["details_json"]), source, span)


def _numbers(details_json: str | None) -> str:
    details: dict[str, Any] = json.loads(details_json) if details_json else {}
    return readable(", ".join(f"{name} {_short(value)}" for name, value in sorted(details.items())))


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def split_rows(clips: ClipStatistics) -> list[SplitRow]:
    """Return the splits: train, validation, test, then others by name."""
    names = sorted(clips.clips_by_split, key=lambda name: (_SPLIT_ORDER.get(name, len(_SPLIT_ORDER)), name))
    return [
        SplitRow(
            readable(name or "none", 40),
            f"{clips.clips_by_split[name]:,}",
            f"{len(clips.speakers_by_split[name]):,}",
            readable_hours(clips.hours_of_split(name)),
            clips.clips_by_split[name] / clips.clips,
        )
        for name in names
    ]


def histograms(clips: ClipStatistics) -> list[HistogramChart]:
    """Return the histograms of duration, face height and detection rate."""
    return [
        histogram_chart("Clip length", "s", clips.duration_s, lambda value: f"{value:.4g}"),
        histogram_chart("Face height in the source", "px", clips.face_height_px, lambda value: f"{value:.0f}"),
        histogram_chart("Share of frames with a face", "", clips.detection_rate, lambda value: f"{value:.3g}"),
    ]


def source_bars(clips: ClipStatistics) -> list[tuple[str, list[Bar]]]:
    """Return titled bar lists of source frame rates, frame sizes and licences, most frequent first."""
    return [
        ("Source frame rate", count_bars([(f"{fps:g} fps", count) for fps, count in clips.source_fps.most_common()])),
        ("Source frame size", count_bars([(f"{width} x {height}", count) for (width, height), count in clips.clips_by_size.most_common()])),
        ("Licence note", count_bars([(readable(note, 60) or "none given", count) for note, count in clips.licences.most_common()])),
    ]


def emotions_by_speaker(clips: ClipStatistics) -> tuple[list[str], list[GroupRow]]:
    """Return the emotions and a row for each of the speakers with most clips; the others are one last row."""
    emotions = sorted({emotion for _, emotion in clips.clips_by_group})
    by_speaker: Counter[str] = Counter()
    for (speaker, _), count in clips.clips_by_group.items():
        by_speaker[speaker] += count
    ordered = sorted(by_speaker, key=lambda speaker: (-by_speaker[speaker], speaker))
    shown, others = sorted(ordered[:_SPEAKERS_SHOWN]), ordered[_SPEAKERS_SHOWN:]
    counts = {readable(speaker, 40): [clips.clips_by_group[speaker, emotion] for emotion in emotions] for speaker in shown}
    most = max((count for row in counts.values() for count in row), default=1)
    rows = [_group_row(speaker, row, most) for speaker, row in counts.items()]
    if others:
        rest = [sum(clips.clips_by_group[speaker, emotion] for speaker in others) for emotion in emotions]
        rows.append(_group_row(f"{len(others):,} others", rest, 0))
    return emotions, rows


def _group_row(speaker: str, counts: Sequence[int], most: int) -> GroupRow:
    shades = [-(-5 * count // most) if most else 0 for count in counts]
    return GroupRow(speaker, [f"{count:,}" if count else "" for count in counts], shades, f"{sum(counts):,}")


def sheet_views(items: Iterable[SheetItem]) -> list[SheetClipView]:
    """Return the contact sheet; neighbouring items of one clip are one entry."""
    views = []
    for clip_id, group in itertools.groupby(items, key=lambda item: item.clip_id):
        of_clip = list(group)
        pictures = [(_data_uri(item), f"frame {item.frame_index}") for item in of_clip]
        views.append(SheetClipView(readable(clip_id, 80), readable(of_clip[0].caption, 120), pictures))
    return views


def _data_uri(item: SheetItem) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(thumbnail_jpeg(item.jpeg, item.landmarks)).decode("ascii")


def spec_rows(spec: BuildSpec) -> list[SpecRow]:
    """Return every setting of a specification by its dotted name."""
    defaults = dict(_flat(BuildSpec().model_dump(mode="json")))
    return [SpecRow(name, readable(_written(value)), value != defaults[name]) for name, value in _flat(spec.model_dump(mode="json"))]


def _flat(values: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _written(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
