"""Comparing two dataset versions: what was added, removed, changed and relabelled, and whether they share a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from pipelines.dataset.clip_rows import clip_number
from pipelines.dataset.sorted_joining import JoinedBlock, KeysOf, join_sorted
from pipelines.dataset.version_tables import VersionTable, read_batches
from pipelines.dataset.versions import load_manifest
from storage_schemas.clips import CLIP_SCHEMA
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.object_store_protocol import ObjectStore

LABEL_COLUMNS = frozenset(
    {"split", "speaker", "emotion", "level", "view", "language", "licence", "consent", "source_video", "source_audio"}
)
PLACE_COLUMNS = frozenset(
    {
        "frames_part", "landmarks_part", "audio_part", "coefficients_part",
        "landmarks_start", "waveform_start", "log_mel_start", "coefficients_start", "identity_row",
    }
)  # fmt: skip
_CONTENT_COLUMNS = frozenset(CLIP_SCHEMA.names) - LABEL_COLUMNS - PLACE_COLUMNS


class Verdict(StrEnum):
    """What two versions are to each other."""

    IDENTICAL = "identical"
    SAME_RECIPE_OTHER_BYTES = "same recipe, other bytes"
    DIFFERENT = "different"


class Change(StrEnum):
    """What happened to an item between two versions; a clip that changed in several ways counts as the first that fits."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"  # pixels, samples, landmarks, coefficients, range or window
    RELABELLED = "relabelled"  # split, speaker, emotion, licence or the name of the source only
    MOVED = "moved"  # the same data in another part or place of it


class ItemChange(BaseModel):
    """One clip or rejection that differs; `fields` has the columns that differ with the values of a and b, empty if added or removed."""

    model_config = ConfigDict(frozen=True)

    item_id: str
    change: Change
    fields: dict[str, tuple[Any, Any]] = Field(default_factory=dict)


class VersionDiff(BaseModel):
    """The difference from version a to version b; counts are exact, the lists hold the first `limit` of each kind.

    Attributes:
        verdict: identical, same recipe with other bytes, or different.
        spec, stage_versions, software, model_hashes: dotted name -> (value in a, value in b), where they differ; the id of the face model
            is among the model hashes.
        clip_counts, rejection_counts: number of items by kind of change, and "same".
        clips, rejections: examples, in order.
    """

    model_config = ConfigDict(frozen=True)

    a: str
    b: str
    verdict: Verdict
    spec: dict[str, tuple[Any, Any]]
    stage_versions: dict[str, tuple[Any, Any]]
    software: dict[str, tuple[Any, Any]]
    model_hashes: dict[str, tuple[Any, Any]]
    clip_counts: dict[str, int]
    rejection_counts: dict[str, int]
    clips: list[ItemChange]
    rejections: list[ItemChange]


def diff_versions(store: ObjectStore, a: str, b: str, *, limit: int = 100) -> VersionDiff:
    """Compare two versions of a store.

    Both are read once, in step; memory does not grow with their size.

    Args:
        store: where they are.
        a: id, beginning of one, or tag of the version compared from.
        b: the version compared to.
        limit: number of examples listed for each kind of change.

    Raises:
        BadInputError: if one of them does not exist.
    """
    from_manifest, to_manifest = load_manifest(store, a), load_manifest(store, b)
    ids = from_manifest.dataset_version, to_manifest.dataset_version
    clips = _compare(store, ids, _CLIPS, limit)
    rejections = _compare(store, ids, _REJECTIONS, limit)
    return VersionDiff(
        a=ids[0],
        b=ids[1],
        verdict=_verdict(from_manifest, to_manifest),
        spec=_differences(from_manifest.spec.model_dump(mode="json"), to_manifest.spec.model_dump(mode="json")),
        stage_versions=_differences(from_manifest.stage_versions, to_manifest.stage_versions),
        software=_differences(from_manifest.software, to_manifest.software),
        model_hashes=_differences(_models(from_manifest), _models(to_manifest)),
        clip_counts=clips.counts,
        rejection_counts=rejections.counts,
        clips=clips.examples,
        rejections=rejections.examples,
    )


def _models(manifest: VersionManifest) -> dict[str, str]:
    return {**manifest.model_hashes, "face_model": manifest.face_model}


def _verdict(a: VersionManifest, b: VersionManifest) -> Verdict:
    if a.dataset_version == b.dataset_version:
        return Verdict.IDENTICAL
    return Verdict.SAME_RECIPE_OTHER_BYTES if a.recipe == b.recipe else Verdict.DIFFERENT


@dataclass(frozen=True)
class _Comparison:
    table: VersionTable
    make_keys: Callable[[], KeysOf]
    id_column: str
    kind_of: Callable[[frozenset[str]], Change]


@dataclass
class _Result:
    counts: dict[str, int]
    examples: list[ItemChange]


def clip_keys(batch: pa.RecordBatch) -> list[tuple[str, int]]:
    """Return the sort keys of rows of CLIP_SCHEMA: (recording id, clip number)."""
    recordings = batch.column("recording_id").to_pylist()
    clip_ids = batch.column("clip_id").to_pylist()
    return [(recording, clip_number(clip, recording)) for recording, clip in zip(recordings, clip_ids, strict=True)]


_REJECTION_KEY_COLUMNS = ("recording_id", "start_s", "end_s", "item_id", "stage", "reason", "source_video")


def _rejection_keys() -> KeysOf:
    """Return a function for one stream: what is rejected twice in the same words but for the message is numbered."""
    last: list[Any] = [(), 0]

    def keys_of(batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
        keys = []
        for key in zip(*(batch.column(name).to_pylist() for name in _REJECTION_KEY_COLUMNS), strict=True):
            last[:] = [key, last[1] + 1 if key == last[0] else 0]
            keys.append((*key, last[1]))
        return keys

    return keys_of


def _kind_of_clip_change(columns: frozenset[str]) -> Change:
    if columns & _CONTENT_COLUMNS:
        return Change.CHANGED
    return Change.RELABELLED if columns & LABEL_COLUMNS else Change.MOVED


_CLIPS = _Comparison(VersionTable.CLIPS, lambda: clip_keys, "clip_id", _kind_of_clip_change)
_REJECTIONS = _Comparison(VersionTable.REJECTIONS, _rejection_keys, "item_id", lambda _: Change.CHANGED)


def _compare(store: ObjectStore, ids: tuple[str, str], comparison: _Comparison, limit: int) -> _Result:
    result = _Result(dict.fromkeys([*Change, "same"], 0), [])
    if ids[0] == ids[1]:
        result.counts["same"] = sum(batch.num_rows for batch in read_batches(store, ids[0], comparison.table, (comparison.id_column,)))
        return result
    streams = read_batches(store, ids[0], comparison.table), read_batches(store, ids[1], comparison.table)
    keys_of = comparison.make_keys(), comparison.make_keys()
    for block in join_sorted(streams, keys_of, comparison.table.schema):
        for change, count, examples in _changes(block, comparison):
            room = max(0, limit - result.counts[change])
            result.counts[change] += count
            result.examples.extend(item for item, _ in zip(examples, range(room), strict=False))
        result.counts["same"] += block.left.num_rows
    result.counts["same"] -= result.counts[Change.CHANGED] + result.counts[Change.RELABELLED] + result.counts[Change.MOVED]
    return result


def _changes(block: JoinedBlock, comparison: _Comparison) -> Iterator[tuple[Change, int, Iterator[ItemChange]]]:
    """Yield each kind of change of a block with its count and its items, which are made only when they are asked for."""
    for change, rows in ((Change.REMOVED, block.only_left), (Change.ADDED, block.only_right)):
        yield change, rows.num_rows, _named(rows.column(comparison.id_column), change)
    differing = {name: column for name in comparison.table.schema.names if (column := _unequal(block, name)).any()}
    if not differing:
        return
    changed = np.flatnonzero(np.logical_or.reduce(list(differing.values())))
    kinds: dict[Change, list[int]] = {}
    memo: dict[frozenset[str], Change] = {}
    for row in changed.tolist():
        columns = frozenset(name for name, unequal in differing.items() if unequal[row])
        kind = memo.get(columns) or memo.setdefault(columns, comparison.kind_of(columns))
        kinds.setdefault(kind, []).append(row)
    for kind, rows_of_kind in sorted(kinds.items()):
        yield kind, len(rows_of_kind), _described(block, rows_of_kind, differing, kind, comparison.id_column)


def _unequal(block: JoinedBlock, name: str) -> npt.NDArray[np.bool_]:
    left, right = block.left.column(name), block.right.column(name)
    if left.equals(right):
        return np.zeros(len(left), dtype=bool)
    unequal: npt.NDArray[np.bool_] = pc.not_equal(left, right).to_numpy(zero_copy_only=False).astype(bool)
    return unequal


def _named(ids: pa.Array, change: Change) -> Iterator[ItemChange]:
    return (ItemChange(item_id=item_id.as_py(), change=change) for item_id in ids)


def _described(
    block: JoinedBlock, rows: list[int], differing: dict[str, npt.NDArray[np.bool_]], change: Change, id_column: str
) -> Iterator[ItemChange]:
    for row in rows:
        names = [name for name, unequal in differing.items() if unequal[row]]
        fields = {name: (block.left.column(name)[row].as_py(), block.right.column(name)[row].as_py()) for name in names}
        yield ItemChange(item_id=block.left.column(id_column)[row].as_py(), change=change, fields=fields)


def _differences(a: dict[str, Any], b: dict[str, Any], prefix: str = "") -> dict[str, tuple[Any, Any]]:
    found: dict[str, tuple[Any, Any]] = {}
    for name in sorted(a.keys() | b.keys()):
        before, after = a.get(name), b.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found |= _differences(before, after, f"{prefix}{name}.")
        elif before != after:
            found[f"{prefix}{name}"] = (before, after)
    return found
