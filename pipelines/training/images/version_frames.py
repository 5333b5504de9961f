"""Frames of a dataset version with what is known of each: coefficients, eyes and mouth, speaker.

Frames are read from the version's WebDataset tars, a part at a time into memory, and found there by the tar's own headers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import zarr
from numpy.typing import NDArray

from pipelines.dataset.clip_jpegs import read_clip_jpegs
from pipelines.dataset.face_model_store import face_model_folder
from pipelines.dataset.part_arrays import layout_of
from pipelines.dataset.part_reading import array_rows
from pipelines.dataset.part_store import open_part_array
from pipelines.dataset.version_tables import VersionTable, read_batches, version_folder
from pipelines.training.coefficient_sequences import SequenceTable
from pipelines.training.images.face_regions import Float32Array, face_openings, region_boxes
from pipelines.training.images.face_window import face_window
from pipelines.training.version_sequences import manifest_with_coefficients
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import RowRange

FRAME_SCHEMA = pa.schema(
    [
        ("clip_key", pa.string()), ("split", pa.string()), ("speaker", pa.string()), ("emotion", pa.string()), ("frames", pa.int32()),
        ("frames_part", pa.string()), ("landmarks_part", pa.string()), ("landmarks_start", pa.int64()),
        ("coefficients_part", pa.string()), ("coefficients_start", pa.int64()), ("identity_row", pa.int64()),
    ]
)  # fmt: skip
"""Columns of the clips that have pictures and coefficients."""

SPLITS = ("train", "validation")
_OPEN_ARRAYS = 64


@dataclass(frozen=True, eq=False)
class ClipFrames:
    """One clip.

    Attributes:
        clip_key, speaker, frames_part: of the clip.
        jpegs: of the frames, in order; views of the part's tar.
        coefficients: (frames, 70) float32 beta and rho, rho in shares of the crop.
        usable: (frames,) bool, False where the fit is flagged.
        identity: (80,) float32.
        boxes: (frames, 3, 4) float32 of `face_regions`, in shares of the crop; NaN where no face was found.
        eyes, mouth: (frames,) float32 openings; NaN likewise.
    """

    clip_key: str
    speaker: str
    frames_part: str
    jpegs: list[memoryview]
    coefficients: Float32Array
    usable: NDArray[np.bool_]
    identity: Float32Array
    boxes: Float32Array
    eyes: Float32Array
    mouth: Float32Array

    @property
    def rho(self) -> Float32Array:
        """Poses (frames, 6)."""
        return self.coefficients[:, 64:]


class VersionFrames:
    """The clips of a dataset version that have pictures and coefficients. May be used by several threads.

    Args:
        store: where the version is.
        version: id, beginning of one, or tag.

    Raises:
        BadInputError: there is no such version, it has no coefficients, or no clip to train on.
        StoreError: the store cannot be read, or the version is damaged.
    """

    def __init__(self, store: ObjectStore, version: str) -> None:
        manifest = manifest_with_coefficients(store, version)
        self.store = store
        self.dataset = manifest.dataset_version
        self.face_model = manifest.face_model
        self.crop_px = manifest.spec.crop.size_px
        self.parents = (version_folder(self.dataset), face_model_folder(self.face_model))
        self._open = lru_cache(maxsize=_OPEN_ARRAYS)(self._opened)
        self.tables = {split: self._table(split) for split in SPLITS}
        if not len(self.tables["train"]):
            raise BadInputError(f"dataset version {self.dataset} has no training clips with coefficients; look at its report")

    def read(self, table: SequenceTable, rows: Sequence[int] | NDArray[np.int64]) -> list[ClipFrames]:
        """Return the clips of some rows of a table, in the order asked for; the tars of their parts are held in memory.

        Raises:
            StoreError: a part is missing or damaged.
        """
        clips = table.rows.take(pa.array(np.asarray(rows, np.int64))).to_pylist()
        try:
            jpegs: dict[str, list[memoryview]] = {}
            for part in dict.fromkeys(clip["frames_part"] for clip in clips):
                jpegs |= read_clip_jpegs(self.store, part, {clip["clip_key"] for clip in clips if clip["frames_part"] == part})
            return [self._clip(clip, jpegs[clip["clip_key"]]) for clip in clips]
        except (FileNotFoundError, KeyError) as error:
            raise StoreError(f"version {self.dataset} is damaged: {error}; run `flowvqtalker dataset verify`") from error

    def window_coefficients(self, table: SequenceTable, rows: NDArray[np.int64], window_iods: float) -> list[Float32Array]:
        """Return the usable coefficients (frames, 70) of some clips, rho in units of their windows; no pictures are read."""
        found = []
        for clip in table.rows.take(pa.array(rows)).to_pylist():
            coefficients, usable = self._coefficients(clip)
            pose = face_window(coefficients[:, 64:], window_iods).pose(coefficients[:, 64:])
            found.append(np.concatenate([coefficients[:, :64], pose], axis=1)[usable])
        return found

    def _coefficients(self, clip: dict[str, Any]) -> tuple[Float32Array, NDArray[np.bool_]]:
        part, rows = clip["coefficients_part"], RowRange(start=clip["coefficients_start"], count=clip["frames"])
        beta, rho, flags = (array_rows(self._open(part, name), rows) for name in ("beta", "rho", "flags"))
        return np.concatenate([beta, rho], axis=1).astype(np.float32), np.asarray(flags == 0)

    def _clip(self, clip: dict[str, Any], jpegs: list[memoryview]) -> ClipFrames:
        coefficients, usable = self._coefficients(clip)
        identity = array_rows(self._open(clip["coefficients_part"], "identity"), RowRange(start=clip["identity_row"], count=1))[0]
        landmark_rows = RowRange(start=clip["landmarks_start"], count=clip["frames"])
        landmarks = array_rows(self._open(clip["landmarks_part"], "landmarks"), landmark_rows)
        eyes, mouth = face_openings(landmarks)
        return ClipFrames(
            clip["clip_key"], clip["speaker"], clip["frames_part"], jpegs,
            coefficients, usable, np.asarray(identity, np.float32),
            region_boxes(landmarks) / self.crop_px, eyes, mouth,
        )  # fmt: skip

    def _opened(self, part: str, name: str) -> zarr.Array[Any]:
        return open_part_array(self.store, part, layout_of(name))

    def _table(self, split: str) -> SequenceTable:
        try:
            tables = read_batches(self.store, self.dataset, VersionTable.CLIPS, FRAME_SCHEMA.names)
            batches = [_selected(batch, split) for batch in tables]
        except (FileNotFoundError, pa.ArrowException) as error:
            raise StoreError(
                f"cannot read the clips of version {self.dataset} in {self.store.uri}: {error}; run `flowvqtalker dataset verify`"
            ) from error
        return SequenceTable(pa.Table.from_batches(batches, FRAME_SCHEMA))


def resting_order(clip: ClipFrames) -> NDArray[np.int64]:
    """Return the frames of a clip, those first that would make a portrait: eyes open, mouth at rest, facing the camera."""
    usual = _ranked(np.abs(clip.eyes - np.nanpercentile(clip.eyes, 70))) if np.isfinite(clip.eyes).any() else np.zeros(len(clip.jpegs))
    turned = np.abs(clip.rho[:, :2] - np.median(clip.rho[:, :2], axis=0)).sum(axis=1)
    score = usual + _ranked(clip.mouth) + 0.5 * _ranked(turned) + 10.0 * ~clip.usable
    return np.argsort(score, kind="stable")


def closed_eyes(clip: ClipFrames, share: float = 0.55) -> NDArray[np.bool_]:
    """Return (frames,) bool: the eyes are less open than a share of how the clip's usually are."""
    if not np.isfinite(clip.eyes).any():
        return np.zeros(len(clip.jpegs), bool)
    return np.asarray(clip.eyes < share * np.nanpercentile(clip.eyes, 75))


def open_mouth(clip: ClipFrames, percentile: float = 90.0) -> NDArray[np.bool_]:
    """Return (frames,) bool: the mouth is as wide open as in the clip's widest tenth."""
    if not np.isfinite(clip.mouth).any():
        return np.zeros(len(clip.jpegs), bool)
    return np.asarray(clip.mouth >= np.nanpercentile(clip.mouth, percentile))


def _ranked(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the rank of each value, 0..1; of NaN 1."""
    filled = np.where(np.isfinite(values), values, np.inf)
    return np.argsort(np.argsort(filled, kind="stable"), kind="stable") / max(1, len(values) - 1)


def _selected(batch: pa.RecordBatch, split: str) -> pa.RecordBatch:
    wanted: Callable[[str], Any] = lambda name: pc.not_equal(batch.column(name), "")  # noqa: E731
    chosen = pc.and_(pc.equal(batch.column("split"), split), pc.and_(wanted("coefficients_part"), wanted("frames_part")))
    return pa.RecordBatch.from_arrays(batch.filter(chosen).columns, schema=FRAME_SCHEMA)
