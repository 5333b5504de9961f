"""From built parts to the rows of a dataset version, part by part.

**The order of clips** is (recording_id, number of the clip in its recording), the number being what follows the last underscore of the
clip id. It is not the order of the clip ids as text: clip ``a_1000`` would sort before ``a_999``, and before the first clip of a
recording ``a_1``. Parts hold the sorted recordings in runs, so this order is the order in which the parts come and nothing has to be
sorted. Text is compared by Unicode code points, which is the order of its UTF-8 bytes.

**The order of rejections** is (recording_id, start_s, end_s, item_id, stage, reason, source_video, message), stage and reason as text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.dataset.version_counts import RowCounts, filter_order
from pipelines.dataset.version_tables import Row
from storage_schemas.clips import CLIP_SCHEMA, FitQuality
from storage_schemas.errors import BuildFailedError
from storage_schemas.identifiers import canonical_json_bytes
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import PART_INDEX_FILE, Family, PartClip, PartIndex, PartRecording, RowRange, part_path
from storage_schemas.recordings import RECORDING_SCHEMA
from storage_schemas.rejections import Rejection, RejectionReason, Stage

_NO_ROWS = RowRange(start=0, count=0)
_NO_FIT = FitQuality(error_percent_iod=0.0, jitter_ratio=0.0, flagged_share=0.0)
_CLIP_COLUMNS = CLIP_SCHEMA.names

SPLIT_RECORDING_SCHEMA = RECORDING_SCHEMA.append(pa.field("split", pa.string()))
"""A listing whose recordings have been given their split (see splitting)."""


@dataclass(frozen=True)
class StoredIndex:
    """A part's index and its `part.json` as it lies in the store."""

    index: PartIndex
    size_bytes: int
    sha256: str

    @classmethod
    def from_bytes(cls, data: bytes) -> StoredIndex:
        """Parse the bytes of a `part.json`; pydantic.ValidationError if they are not one."""
        return cls(PartIndex.model_validate_json(data), len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class BuiltPart:
    """A run of recordings (rows of SPLIT_RECORDING_SCHEMA) and the indices of the families that were built for it."""

    recordings: pa.Table
    indices: Mapping[Family, StoredIndex]


@dataclass(frozen=True)
class ClipFilter:
    """A filter of the version: clips for which `keeps` is false become rejections.

    Attributes:
        name: appears in keep rates as ``filter:<name>`` and in the rejection.
        keeps: takes a row of CLIP_SCHEMA as a dictionary.
        stage, reason: of the rejections.
        explain: gives a rejection's message and the numbers behind it; None: the filter's name.
    """

    name: str
    keeps: Callable[[Mapping[str, Any]], bool]
    stage: Stage = Stage.FILTER
    reason: RejectionReason = RejectionReason.FILTERED
    explain: Callable[[Mapping[str, Any]], tuple[str, dict[str, float | int | str]]] | None = None


@dataclass(frozen=True)
class PartRows:
    """The rows that one part contributes; tuples in schema order, clips and rejections in their order, objects in none."""

    clips: list[Row]
    rejections: list[Row]
    objects: list[Row]


def with_splits(recordings: pa.Table, splits: pa.Array) -> pa.Table:
    """Return recordings (RECORDING_SCHEMA) and the split of each as SPLIT_RECORDING_SCHEMA; for a part, give its slice of the splits."""
    return recordings.append_column(SPLIT_RECORDING_SCHEMA.field("split"), splits)


def read_built_part(store: ObjectStore, recordings: pa.Table, part_keys: Mapping[Family, str]) -> BuiltPart:
    """Read the indices of a built part from the store.

    Args:
        store: where the part is.
        recordings: the part's recordings, SPLIT_RECORDING_SCHEMA (see `with_splits`).
        part_keys: the key of the part by family.

    Raises:
        FileNotFoundError: if a family is not built.
    """
    stored = {
        family: StoredIndex.from_bytes(store.read_bytes(f"{part_path(family, key)}/{PART_INDEX_FILE}")) for family, key in part_keys.items()
    }
    return BuiltPart(recordings, stored)


def required_families(*, is_still: bool, audio_required: bool, with_coefficients: bool = False) -> frozenset[Family]:
    """Return the families that every clip of a recording must be in: a still has frames only, audio may be optional."""
    if is_still:
        return frozenset({Family.FRAMES})
    optional = {Family.AUDIO: audio_required, Family.COEFFICIENTS: with_coefficients}
    return frozenset(family for family in Family if optional.get(family, True))


def clip_number(clip_id: str, recording_id: str) -> int:
    """Return the number of a clip in its recording, by which clips are ordered.

    Raises:
        ValueError: if the clip id is not the recording id, an underscore and digits.
    """
    prefix, _, digits = clip_id.rpartition("_")
    if prefix != recording_id or not digits.isdecimal():
        msg = f"clip id {clip_id!r}: expected {recording_id!r}, an underscore and digits"
        raise ValueError(msg)
    return int(digits)


class RowBuilder:
    """Turns parts, in order, into rows, and keeps the totals.

    Args:
        audio_required: whether a clip without audio is incomplete.
        with_coefficients: whether a clip without coefficients is.
        filters: applied in order to complete clips.
    """

    def __init__(self, *, audio_required: bool, with_coefficients: bool = False, filters: Sequence[ClipFilter] = ()) -> None:
        self._audio_required = audio_required
        self._with_coefficients = with_coefficients
        self._filters = tuple(filters)
        self._last_recording_id = ""
        self.counts = RowCounts()

    def rows_of(self, part: BuiltPart) -> PartRows:
        """Return the rows of the next part.

        Raises:
            BuildFailedError: if the part does not follow the one before, or its indices do not hold its recordings.
        """
        rows = PartRows([], [], [])
        by_family = {family: stored.index.recordings for family, stored in part.indices.items()}
        for position, recording in enumerate(part.recordings.to_pylist()):
            self._check_order(recording["recording_id"])
            entries = {family: _entry(part, family, recordings, position, recording) for family, recordings in by_family.items()}
            self._add_recording(recording, entries, part, rows)
        rows.objects.extend(object_rows(part.indices))
        self.counts.objects += len(rows.objects)
        self.counts.bytes += sum(row[1] for row in rows.objects)
        return rows

    def listing_rows(self, rejections: Iterable[Rejection]) -> Iterator[Row]:
        """Yield the rows of what was rejected before anything was opened; each counts as a recording that was lost."""
        for rejection in rejections:
            self.counts.recordings += 1
            self.counts.rejections += 1
            self.counts.lost[rejection.stage, rejection.reason] += 1
            yield rejection_row(rejection, str(rejection.details.get("path", "")), "")

    def _check_order(self, recording_id: str) -> None:
        if recording_id <= self._last_recording_id:
            msg = f"recording {recording_id!r} came after {self._last_recording_id!r}: expected parts of sorted, unique recordings"
            raise BuildFailedError(msg)
        self._last_recording_id = recording_id

    def _add_recording(self, recording: dict[str, Any], entries: dict[Family, PartRecording], part: BuiltPart, rows: PartRows) -> None:
        kept: list[Row] = []
        rejections = _merged_rejections(entries.values())
        for clips in _clips_in_order(entries):
            row = self._clip_row(recording, clips, part, rejections)
            if row is not None:
                kept.append(row)
        if not kept and not rejections:
            msg = f"recording {recording['recording_id']!r}: expected clips or rejections, found neither; delete its parts and build again"
            raise BuildFailedError(msg)
        self._count(kept, rejections, recording["split"])
        rows.clips.extend(kept)
        rejected = (rejection_row(rejection, recording["video"], recording["video_sha256"]) for rejection in rejections.values())
        rows.rejections.extend(sorted(rejected, key=rejection_row_order))

    def _clip_row(
        self, recording: dict[str, Any], clips: dict[Family, PartClip], part: BuiltPart, rejections: dict[bytes, Rejection]
    ) -> Row | None:
        required = required_families(
            is_still=recording["is_still"], audio_required=self._audio_required, with_coefficients=self._with_coefficients
        )
        missing = sorted(required - clips.keys())
        clip_id = next(iter(clips.values())).clip.clip_id
        if missing:
            if not any(rejection.item_id == clip_id for rejection in rejections.values()):
                _reject(rejections, _incomplete(clip_id, recording["recording_id"], missing))
            return None
        row = _clip_row(recording, clips, {family: stored.index.key for family, stored in part.indices.items()})
        refused = self._refused(clips[Family.FRAMES], row)
        if refused is not None:
            _reject(rejections, refused)
            return None
        return row

    def _refused(self, item: PartClip, row: Row) -> Rejection | None:
        if not self._filters:
            return None
        values = dict(zip(_CLIP_COLUMNS, row, strict=True))
        for clip_filter in self._filters:
            self.counts.filter_reached[clip_filter.name] += 1
            if not clip_filter.keeps(values):
                return _filtered(item, clip_filter, values)
            self.counts.filter_kept[clip_filter.name] += 1
        return None

    def _count(self, kept: list[Row], rejections: dict[bytes, Rejection], split: str) -> None:
        counts = self.counts
        counts.recordings += 1
        counts.rejections += len(rejections)
        if kept:
            counts.kept_recordings += 1
            counts.clips += len(kept)
            counts.frames += sum(row[_FRAMES_COLUMN] for row in kept)
            counts.clips_by_split[split] += len(kept)
        else:
            last = max(rejections.values(), key=lambda rejection: filter_order(rejection.stage, rejection.reason))
            counts.lost[last.stage, last.reason] += 1


_FRAMES_COLUMN = _CLIP_COLUMNS.index("frames")


def object_rows(indices: Mapping[Family, StoredIndex]) -> Iterator[Row]:
    """Yield the OBJECT_SCHEMA rows of a part: every file of every family, `part.json` included, with paths relative to the store."""
    for family, stored in indices.items():
        folder = part_path(family, stored.index.key)
        yield f"{folder}/{PART_INDEX_FILE}", stored.size_bytes, stored.sha256, family.value, stored.index.key
        for item in stored.index.objects:
            yield f"{folder}/{item.path}", item.size_bytes, item.sha256, family.value, stored.index.key


def rejection_row(rejection: Rejection, source_video: str, source_sha256: str) -> Row:
    """Return a rejection as a tuple in REJECTION_SCHEMA order."""
    return (
        rejection.item_id, rejection.recording_id, rejection.stage.value, rejection.reason.value, rejection.message,
        canonical_json_bytes(rejection.details).decode(), rejection.start_s, rejection.end_s, source_video, source_sha256,
    )  # fmt: skip


def rejection_row_order(row: Row) -> Row:
    """Return the sort key of a REJECTION_SCHEMA row (see the module)."""
    return row[1], row[6], row[7], row[0], row[2], row[3], row[8], row[4], row[5]


def part_columns(clips: Mapping[Family, PartClip], part_keys: Mapping[Family, str]) -> dict[str, Any]:
    """Return the columns of a clip that its parts decide: where its data lie and their hashes; empty and 0 for an absent family."""
    landmarks, audio = clips.get(Family.LANDMARKS), clips.get(Family.AUDIO)
    waveform = audio.ranges["waveform"] if audio else _NO_ROWS
    log_mel = audio.ranges["log_mel"] if audio else _NO_ROWS
    fitted = clips.get(Family.COEFFICIENTS)
    quality = fitted.fit if fitted and fitted.fit else _NO_FIT
    return {
        "frames_part": part_keys[Family.FRAMES] if Family.FRAMES in clips else "",
        "landmarks_part": part_keys[Family.LANDMARKS] if landmarks else "",
        "audio_part": part_keys[Family.AUDIO] if audio else "",
        "landmarks_start": landmarks.ranges["landmarks"].start if landmarks else 0,
        "waveform_start": waveform.start,
        "waveform_samples": waveform.count,
        "log_mel_start": log_mel.start,
        "log_mel_frames": log_mel.count,
        "frames_sha256": clips[Family.FRAMES].hashes.frames if Family.FRAMES in clips else "",
        "landmarks_sha256": landmarks.hashes.landmarks if landmarks else "",
        "audio_sha256": audio.hashes.audio if audio else "",
        "coefficients_part": part_keys[Family.COEFFICIENTS] if fitted else "",
        "coefficients_start": fitted.ranges["beta"].start if fitted else 0,
        "identity_row": fitted.ranges["identity"].start if fitted else 0,
        "coefficients_sha256": fitted.hashes.coefficients if fitted else "",
        "fit_error_percent_iod": quality.error_percent_iod,
        "fit_jitter_ratio": quality.jitter_ratio,
        "fit_flagged_share": quality.flagged_share,
    }


def _clip_row(recording: dict[str, Any], clips: dict[Family, PartClip], part_keys: Mapping[Family, str]) -> Row:
    clip = clips[Family.FRAMES].clip
    stored = part_columns(clips, part_keys)
    return (
        clip.clip_id, clip.clip_key, clip.recording_id, recording["split"],
        recording["speaker"], recording["emotion"], recording["level"], recording["view"],
        recording["language"], recording["licence"], recording["consent"],
        clip.frames, clip.frames / 25, clip.source_start_s,
        recording["video"], recording["audio"], recording["video_sha256"], recording["audio_sha256"],
        clip.source_width_px, clip.source_height_px, clip.source_fps,
        clip.window_x_px, clip.window_y_px, clip.window_size_px, clip.window_source,
        clip.frames_held, clip.face_height_px, clip.detection_rate,
        *stored.values(),
    )  # fmt: skip


def _entry(part: BuiltPart, family: Family, recordings: list[PartRecording], position: int, recording: Mapping[str, Any]) -> PartRecording:
    found = recordings[position].recording_id if position < len(recordings) else "nothing"
    if found != recording["recording_id"] or len(recordings) != part.recordings.num_rows:
        msg = (
            f"part {part_path(family, part.indices[family].index.key)}: expected recording {recording['recording_id']!r} at position "
            f"{position} of {part.recordings.num_rows}, found {found!r} of {len(recordings)}; delete the part and build again"
        )
        raise BuildFailedError(msg)
    return recordings[position]


def _clips_in_order(entries: Mapping[Family, PartRecording]) -> list[dict[Family, PartClip]]:
    by_number: dict[int, dict[Family, PartClip]] = {}
    for family, entry in entries.items():
        for item in entry.clips:
            found = by_number.setdefault(clip_number(item.clip.clip_id, entry.recording_id), {})
            first = next(iter(found.values()), item)
            if first.clip != item.clip:
                msg = f"clip {item.clip.clip_id}: family {family} describes it otherwise than the others; delete its parts and build again"
                raise BuildFailedError(msg)
            found[family] = item
    return [by_number[number] for number in sorted(by_number)]


def _merged_rejections(entries: Iterable[PartRecording]) -> dict[bytes, Rejection]:
    merged: dict[bytes, Rejection] = {}
    for entry in entries:
        for rejection in entry.rejections:
            _reject(merged, rejection)
    return merged


def _reject(rejections: dict[bytes, Rejection], rejection: Rejection) -> None:
    """Add a rejection once, however many families tell of it."""
    rejections.setdefault(canonical_json_bytes(rejection.model_dump(mode="json")), rejection)


def _incomplete(clip_id: str, recording_id: str, missing: Sequence[Family]) -> Rejection:
    names = ",".join(missing)
    message = f"expected the clip in every family of its recording, found none of it in {names}"
    return Rejection(
        item_id=clip_id, recording_id=recording_id, stage=Stage.FILTER, reason=RejectionReason.FAMILY_MISSING, message=message,
        details={"missing": names},
    )  # fmt: skip


def _filtered(item: PartClip, clip_filter: ClipFilter, row: Mapping[str, Any]) -> Rejection:
    clip = item.clip
    message = f"the version's filter {clip_filter.name} left the clip out"
    details: dict[str, float | int | str] = {}
    if clip_filter.explain is not None:
        message, details = clip_filter.explain(row)
    return Rejection(
        item_id=clip.clip_id, recording_id=clip.recording_id, stage=clip_filter.stage, reason=clip_filter.reason,
        message=message, details={"filter": clip_filter.name, **details},
        start_s=clip.source_start_s, end_s=clip.source_start_s + clip.frames / 25,
    )  # fmt: skip
