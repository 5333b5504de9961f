"""Sequences of a dataset version, read straight from the Zarr arrays of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import zarr
from numpy.typing import NDArray

from pipelines.dataset.face_model_store import face_model_folder
from pipelines.dataset.part_arrays import layout_of
from pipelines.dataset.part_reading import array_rows
from pipelines.dataset.part_store import open_part_array
from pipelines.dataset.version_tables import VersionTable, read_batches, version_folder
from pipelines.dataset.versions import load_manifest
from pipelines.training.coefficient_sequences import SEQUENCE_SCHEMA, CoefficientSequence, SequenceTable
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import RowRange

_CLIP_COLUMNS = ["clip_id" if name == "sequence_id" else name for name in SEQUENCE_SCHEMA.names]
_OPEN_ARRAYS = 64
_Span = tuple[str, int, int]


def manifest_with_coefficients(store: ObjectStore, version: str) -> VersionManifest:
    """Return the manifest of a version (id, beginning of one, or tag) that has coefficients to train on; BadInputError otherwise."""
    manifest = load_manifest(store, version)
    if not manifest.face_model:
        raise BadInputError(
            f"dataset version {manifest.dataset_version} has no coefficients to train on; "
            "build it with `face_model: {enabled: true}` in its specification"
        )
    return manifest


class VersionSequences:
    """The clips of a dataset version that have coefficients.

    Args:
        store: where the version is.
        version: id, beginning of one, or tag.

    Raises:
        BadInputError: there is no such version, or it has no coefficients.
        StoreError: the store cannot be read, or the version is damaged.
    """

    has_audio = True
    parents: tuple[str, ...]

    def __init__(self, store: ObjectStore, version: str) -> None:
        manifest = manifest_with_coefficients(store, version)
        self.store = store
        self.dataset = manifest.dataset_version
        self.face_model = manifest.face_model
        self.parents = (version_folder(self.dataset), face_model_folder(self.face_model))
        self._open = lru_cache(maxsize=_OPEN_ARRAYS)(self._opened)

    def table(self, split: str) -> SequenceTable:
        """Return the clips of a split that have coefficients, in the order of the version's table.

        Raises:
            StoreError: the version's table cannot be read.
        """
        try:
            batches = [self._selected(batch, split) for batch in read_batches(self.store, self.dataset, VersionTable.CLIPS, _CLIP_COLUMNS)]
        except (FileNotFoundError, pa.ArrowException) as error:
            raise StoreError(
                f"cannot read the clips of version {self.dataset} in {self.store.uri}: {error}; run `flowvqtalker dataset verify`"
            ) from error
        return SequenceTable(pa.Table.from_batches(batches, SEQUENCE_SCHEMA))

    def read(self, table: SequenceTable, rows: Sequence[int] | NDArray[np.int64]) -> list[CoefficientSequence]:
        """Return the sequences of some rows; clips that lie next to each other are read together.

        Raises:
            StoreError: a part is missing or damaged.
        """
        clips = table.rows.take(pa.array(np.asarray(rows, np.int64))).to_pylist()
        frames = [(clip["coefficients_part"], clip["coefficients_start"], clip["frames"]) for clip in clips]
        columns = [(clip["audio_part"], clip["log_mel_start"], clip["log_mel_frames"]) for clip in clips]
        try:
            beta, rho, flags = (self._read_spans(name, frames) for name in ("beta", "rho", "flags"))
            log_mel = self._read_spans("log_mel", columns)
        except FileNotFoundError as error:
            raise StoreError(f"version {self.dataset} is damaged: {error}; run `flowvqtalker dataset verify`") from error
        return [
            CoefficientSequence(
                clip["sequence_id"], clip["speaker"], clip["emotion"], clip["split"], beta[i], rho[i], flags[i] == 0, log_mel[i]
            )
            for i, clip in enumerate(clips)
        ]

    def _selected(self, batch: pa.RecordBatch, split: str) -> pa.RecordBatch:
        wanted = pc.and_(pc.equal(batch.column("split"), split), pc.not_equal(batch.column("coefficients_part"), ""))
        return pa.RecordBatch.from_arrays(batch.filter(wanted).columns, schema=SEQUENCE_SCHEMA)

    def _opened(self, part: str, name: str) -> zarr.Array[Any]:
        return open_part_array(self.store, part, layout_of(name))

    def _read_spans(self, name: str, spans: list[_Span]) -> list[NDArray[Any]]:
        """Read (part, first row, rows) of an array; spans of a part in one go from the first to the last."""
        by_part: dict[str, list[int]] = {}
        for number, (part, _, _) in enumerate(spans):
            by_part.setdefault(part, []).append(number)
        found: dict[int, NDArray[Any]] = {}
        for part, numbers in by_part.items():
            first = min(spans[number][1] for number in numbers)
            last = max(spans[number][1] + spans[number][2] for number in numbers)
            block = array_rows(self._open(part, name), RowRange(start=first, count=last - first))
            for number in numbers:
                start = spans[number][1] - first
                found[number] = block[start : start + spans[number][2]]
        return [found[number] for number in range(len(spans))]
