"""Checks of a version that read its manifest and tables only: ids, hashes, order, and that the rows agree with each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.dataset.clip_rows import clip_number
from pipelines.dataset.problems import Check, ProblemList
from pipelines.dataset.row_digests import RowDigest
from pipelines.dataset.splitting import SPLITS
from pipelines.dataset.version_identity import content_id
from pipelines.dataset.version_tables import VersionTable, read_batches, sha256_of, table_path
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.errors import StoreError
from storage_schemas.identifiers import clip_key
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import PART_INDEX_FILE, Family, part_path

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SAMPLES_PER_FRAME = 640
_SMALLEST_TAR_BYTES_PER_FRAME = 2 * 1024  # two members, each at least a header and a block
_RANGES = (
    (Family.LANDMARKS, "landmarks_part", "landmarks_start", "frames"),
    (Family.AUDIO, "audio_part", "waveform_start", "waveform_samples"),
    (Family.AUDIO, "audio_part", "log_mel_start", "log_mel_frames"),
    (Family.COEFFICIENTS, "coefficients_part", "coefficients_start", "frames"),
)


@dataclass
class _Parts:
    """Parts that the objects table names: those with a part.json, and the size of each frames.tar; keys are family/key."""

    indexed: set[str] = field(default_factory=set)
    tar_bytes: dict[str, int] = field(default_factory=dict)


def check_manifest(manifest: VersionManifest, version_id: str, problems: ProblemList) -> None:
    """Check that a manifest's id is the hash of its content and the name of its folder."""
    expected = content_id(manifest)
    if manifest.dataset_version != expected:
        problems.add(Check.MANIFEST, version_id, f"the id should be the hash of the content, {expected}; found {manifest.dataset_version}")
    if manifest.dataset_version != version_id:
        problems.add(Check.MANIFEST, version_id, f"the manifest in this folder is that of version {manifest.dataset_version}")


def check_tables(store: ObjectStore, manifest: VersionManifest, version_id: str, problems: ProblemList) -> None:
    """Check the three tables of a version against its manifest and each other, streaming."""
    totals: Counter[str] = Counter()
    parts = _Parts()
    checks: dict[VersionTable, Callable[[Iterator[pa.RecordBatch]], None]] = {
        VersionTable.OBJECTS: lambda batches: _check_objects(batches, parts, totals, problems),
        VersionTable.CLIPS: lambda batches: _ClipChecks(parts, totals, problems).run(batches),
        VersionTable.REJECTIONS: lambda batches: _check_rejections(batches, totals, problems),
    }
    for table, check in checks.items():
        _check_table(store, manifest, version_id, table, check, problems)
    for name, expected in manifest.counts.items():
        if name in totals or name.startswith("clips_"):
            found = totals[name]
            if found != expected:
                problems.add(Check.COUNTS, name, f"the manifest counts {expected}, the tables hold {found}")


def _check_table(
    store: ObjectStore,
    manifest: VersionManifest,
    version_id: str,
    table: VersionTable,
    check: Callable[[Iterator[pa.RecordBatch]], None],
    problems: ProblemList,
) -> None:
    path = table_path(version_id, table)
    try:
        with store.open(path) as file:
            found = sha256_of(file)[0]
        expected = manifest.files.get(table.value, "")
        if found != expected:
            problems.add(Check.TABLE_FILE, path, f"expected SHA-256 {expected}, found {found}")
        digest = RowDigest(table.schema_of_format(manifest.format))
        check(_digested(read_batches(store, version_id, table), digest, table.schema_of_format(manifest.format).names))
    except (FileNotFoundError, StoreError) as error:
        problems.add(Check.TABLE_FILE, path, f"expected a Parquet file, it cannot be read: {error}")
    except (pa.ArrowException, ValueError, KeyError, OSError) as error:
        problems.add(Check.TABLE_FILE, path, f"expected the columns of {table.value}, found a damaged file: {error}")
    else:
        if digest.hexdigest() != manifest.content.get(table.value):
            message = f"expected rows with digest {manifest.content.get(table.value)}, found {digest.hexdigest()} ({digest.rows} rows)"
            problems.add(Check.TABLE_ROWS, path, message)


def _digested(batches: Iterator[pa.RecordBatch], digest: RowDigest, columns: list[str]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        digest.update(batch.select(columns) if columns != batch.schema.names else batch)
        yield batch


def _check_objects(batches: Iterator[pa.RecordBatch], parts: _Parts, totals: Counter[str], problems: ProblemList) -> None:
    last = ""
    totals.update({"objects": 0, "bytes": 0})
    for batch in batches:
        totals["objects"] += batch.num_rows
        for uri, size, sha256, family, key in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if uri <= last:
                problems.add(Check.TABLE_ROWS, uri, f"objects should be sorted and unique, found it after {last}")
            last = uri
            folder = f"parts/{family}/{key[:2]}/{key}/"
            if not uri.startswith(folder) or ".." in uri.split("/") or size < 0 or not _SHA256.fullmatch(sha256):
                problems.add(Check.TABLE_ROWS, uri, f"expected a path under {folder}, a size and a SHA-256, found {size} and {sha256!r}")
            totals["bytes"] += size
            name = uri.removeprefix(folder)
            if name == PART_INDEX_FILE:
                parts.indexed.add(f"{family}/{key}")
            elif name == "frames.tar":
                parts.tar_bytes[key] = size


def _check_rejections(batches: Iterator[pa.RecordBatch], totals: Counter[str], problems: ProblemList) -> None:
    last: tuple[Any, ...] = ()
    totals["rejections"] = 0
    for batch in batches:
        totals["rejections"] += batch.num_rows
        columns = (batch.column(name).to_pylist() for name in ("recording_id", "start_s", "end_s", "item_id"))
        for key in zip(*columns, strict=True):
            if key < last:
                problems.add(Check.TABLE_ROWS, key[3], f"rejections should be sorted by recording and time, found {key} after {last}")
            last = key


class _ClipChecks:
    def __init__(self, parts: _Parts, totals: Counter[str], problems: ProblemList) -> None:
        self._parts = parts
        self._totals = totals
        self._problems = problems
        self._last: tuple[str, int] = ("", -1)
        self._ends: dict[str, tuple[str, int]] = {}
        self._frames_in_part: Counter[str] = Counter()

    def run(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._totals.update({"clips": 0, "frames": 0, "recordings_kept": 0})
        for batch in batches:
            self._check_ids(batch)
            self._check_values(batch)
            self._check_parts(batch)
            for family, part, start, count in _RANGES:
                self._check_ranges(batch, family, (part, start, count))
        self._check_tars()

    def _check_ids(self, batch: pa.RecordBatch) -> None:
        columns = (batch.column(name).to_pylist() for name in ("clip_id", "clip_key", "recording_id", "split"))
        for clip_id, key, recording_id, split in zip(*columns, strict=True):
            try:
                position = (recording_id, clip_number(clip_id, recording_id))
            except ValueError as error:
                self._problems.add(Check.TABLE_ROWS, clip_id, str(error))
                continue
            if position <= self._last:
                self._problems.add(Check.TABLE_ROWS, clip_id, f"clips should be sorted and unique, found it after {self._last}")
            self._totals["recordings_kept"] += recording_id != self._last[0]
            self._last = position
            if key != clip_key(clip_id):
                self._problems.add(Check.TABLE_ROWS, clip_id, f"expected clip key {clip_key(clip_id)}, found {key}")
            if split not in SPLITS:
                self._problems.add(Check.TABLE_ROWS, clip_id, f"expected a split of {', '.join(SPLITS)}, found {split!r}")
            self._totals[f"clips_{split}"] += 1

    def _check_values(self, batch: pa.RecordBatch) -> None:
        frames = _numbers(batch, "frames")
        self._totals["clips"] += batch.num_rows
        self._totals["frames"] += int(frames.sum())
        has_audio = _text(batch, "audio_part") != ""
        self._report(batch, frames < 1, "expected at least 1 frame", "frames")
        self._report(batch, _numbers(batch, "duration_s") != frames / 25, "expected a duration of frames / 25", "duration_s")
        wrong = _numbers(batch, "waveform_samples") != np.where(has_audio, frames * _SAMPLES_PER_FRAME, 0)
        self._report(batch, wrong, "expected 640 samples a frame", "waveform_samples")

    def _check_parts(self, batch: pa.RecordBatch) -> None:
        for family in Family:
            column = _text(batch, f"{family}_part")
            unknown = {key for key in set(column.tolist()) if key and f"{family}/{key}" not in self._parts.indexed}
            if unknown:
                self._report(batch, np.isin(column, sorted(unknown)), "its part is not among the objects", f"{family}_part")
        for key, frames in zip(_text(batch, "frames_part").tolist(), _numbers(batch, "frames").tolist(), strict=True):
            self._frames_in_part[key] += frames

    def _check_ranges(self, batch: pa.RecordBatch, family: Family, names: tuple[str, str, str]) -> None:
        """Check that the rows of a part ascend without overlap, over batch boundaries too."""
        part_name, start_name, count_name = names
        present = np.flatnonzero(_text(batch, part_name) != "")
        if not len(present):
            return
        parts, starts, counts = _text(batch, part_name)[present], _numbers(batch, start_name)[present], _numbers(batch, count_name)[present]
        last_part, last_end = self._ends.get(start_name, ("", 0))
        same = parts == np.concatenate([[last_part], parts[:-1]])
        ends = np.concatenate([[last_end], (starts + counts)[:-1]])
        wrong = np.zeros(batch.num_rows, dtype=bool)
        wrong[present] = (starts < np.where(same, ends, 0)) | (counts < 0)
        self._report(batch, wrong, f"its rows in {family} overlap those of the clip before", start_name)
        self._ends[start_name] = (str(parts[-1]), int(starts[-1] + counts[-1]))

    def _check_tars(self) -> None:
        for key, frames in self._frames_in_part.items():
            size, smallest = self._parts.tar_bytes.get(key, 0), frames * _SMALLEST_TAR_BYTES_PER_FRAME
            if size < smallest:
                message = f"{frames} frames of the clips need a frames.tar of {smallest} bytes at least, found {size}"
                self._problems.add(Check.TABLE_ROWS, part_path(Family.FRAMES, key), message)

    def _report(self, batch: pa.RecordBatch, wrong: npt.NDArray[np.bool_], expected: str, column: str) -> None:
        for row in np.flatnonzero(wrong).tolist():
            found = batch.column(column)[row].as_py()
            self._problems.add(Check.TABLE_ROWS, batch.column("clip_id")[row].as_py(), f"{expected}, found {column} = {found!r}")


def _numbers(batch: pa.RecordBatch, name: str) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = batch.column(name).to_numpy(zero_copy_only=False)
    return values


def _text(batch: pa.RecordBatch, name: str) -> npt.NDArray[np.object_]:
    values: npt.NDArray[np.object_] = batch.column(name).to_numpy(zero_copy_only=False)
    return values
