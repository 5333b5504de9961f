"""The totals of a dataset version and the share that each filter kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from storage_schemas.rejections import RejectionReason, Stage

_STAGE_ORDER = {stage: number for number, stage in enumerate(Stage)}
_REASON_ORDER = {reason: number for number, reason in enumerate(RejectionReason)}


@dataclass
class RowCounts:
    """Running totals of a version, from which counts and keep rates are made.

    Attributes:
        recordings: recordings seen, those that were rejected at discovery included.
        kept_recordings: recordings with at least one clip.
        lost: recordings without a clip, by (stage, reason) of the last stage that rejected something of them.
        filter_reached, filter_kept: clips by filter name.
    """

    recordings: int = 0
    kept_recordings: int = 0
    clips: int = 0
    rejections: int = 0
    frames: int = 0
    objects: int = 0
    bytes: int = 0
    clips_by_split: Counter[str] = field(default_factory=Counter)
    lost: Counter[tuple[Stage, RejectionReason]] = field(default_factory=Counter)
    filter_reached: Counter[str] = field(default_factory=Counter)
    filter_kept: Counter[str] = field(default_factory=Counter)


def filter_order(stage: Stage, reason: RejectionReason) -> tuple[int, int]:
    """Return the place of a (stage, reason) among the filters that a recording passes: by stage, then as the reasons are listed."""
    return _STAGE_ORDER[stage], _REASON_ORDER[reason]


def keep_rates(counts: RowCounts) -> dict[str, float]:
    """Return the share kept by each filter of those that reached it, in the order in which they are passed.

    Keys are ``recordings`` (share of all recordings with at least one clip), ``<reason>`` for every reason that lost a recording
    (the share kept of the recordings that no earlier filter had lost; a recording is lost by the last stage that rejected something
    of it) and ``filter:<name>`` for the version's filters (share of clips). Rates are rounded to 6 digits.
    """
    rates = {"recordings": round(counts.kept_recordings / counts.recordings, 6) if counts.recordings else 1.0}
    reached = counts.recordings
    lost_by_reason: Counter[RejectionReason] = Counter()
    for (_, reason), lost in sorted(counts.lost.items(), key=lambda item: filter_order(*item[0])):
        lost_by_reason[reason] += lost
    for reason, lost in lost_by_reason.items():
        rates[reason.value] = round(1 - lost / reached, 6)
        reached -= lost
    for name, clips in counts.filter_reached.items():
        rates[f"filter:{name}"] = round(counts.filter_kept[name] / clips, 6)
    return rates


def manifest_counts(counts: RowCounts) -> dict[str, int]:
    """Return the totals as a manifest stores them; clips by split are ``clips_<split>``."""
    totals = {
        "recordings": counts.recordings,
        "recordings_kept": counts.kept_recordings,
        "clips": counts.clips,
        "rejections": counts.rejections,
        "frames": counts.frames,
        "objects": counts.objects,
        "bytes": counts.bytes,
    }
    return totals | {f"clips_{split}": clips for split, clips in sorted(counts.clips_by_split.items())}
