"""What `dataset show` says about a version, computed from its tables in one pass each."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from pipelines.dataset.face_model_store import read_card
from pipelines.dataset.version_tables import VersionTable, read_batches
from pipelines.dataset.versions import list_tags, load_manifest
from storage_schemas.object_store_protocol import ObjectStore

_FIT_COLUMNS = ("fit_error_percent_iod", "fit_jitter_ratio")
_CLIP_COLUMNS = ("split", "speaker", "emotion", "language", "view", "frames", "coefficients_part", *_FIT_COLUMNS)
_FRAMES_PER_HOUR = 25 * 3600


class VersionSummary(BaseModel):
    """A version in numbers; every field is JSON.

    Attributes:
        hours: length of all clips together.
        by_split: clips, speakers and hours of each split.
        clips_by_speaker, clips_by_emotion, clips_by_language, clips_by_view: number of clips, sorted by name; an empty label is kept as "".
        rejections_by_reason: number of rejections.
        bytes_by_family: size of all objects of a family.
        face_model: id of the model of the coefficients; empty: there are none.
        quality: None without coefficients, else reprojection_error_percent_iod (median over clips of the median distance of landmarks
            and fit, % of the inter-ocular distance), jitter_ratio (median over clips of the second differences of the rigid points,
            fitted over raw) and expression_variance_64 (of the model); a value that is not known is None.
    """

    model_config = ConfigDict(frozen=True)

    dataset_version: str
    recipe: str
    name: str
    created: str
    tags: list[str]
    counts: dict[str, int]
    keep_rates: dict[str, float]
    hours: float
    size_bytes: int
    by_split: dict[str, dict[str, int | float]]
    clips_by_speaker: dict[str, int]
    clips_by_emotion: dict[str, int]
    clips_by_language: dict[str, int]
    clips_by_view: dict[str, int]
    rejections_by_reason: dict[str, int]
    bytes_by_family: dict[str, int]
    face_model: str
    quality: dict[str, float | None] | None
    software: dict[str, str]
    stage_versions: dict[str, int]
    spec: dict[str, Any]


def summarise_version(store: ObjectStore, version: str) -> VersionSummary:
    """Return the numbers of a version.

    Args:
        store: where the version is.
        version: id, beginning of one, or tag.

    Raises:
        BadInputError: if there is no such version.
    """
    manifest = load_manifest(store, version)
    version_id = manifest.dataset_version
    clips = _ClipTotals()
    for batch in read_batches(store, version_id, VersionTable.CLIPS, _CLIP_COLUMNS):
        clips.add(batch)
    reasons: Counter[str] = Counter()
    for batch in read_batches(store, version_id, VersionTable.REJECTIONS, ("reason",)):
        reasons.update(_value_counts(batch.column("reason")))
    sizes: Counter[str] = Counter()
    for batch in read_batches(store, version_id, VersionTable.OBJECTS, ("family", "size_bytes")):
        sizes.update(_sums(batch, "family", "size_bytes"))
    return VersionSummary(
        dataset_version=version_id,
        recipe=manifest.recipe,
        name=manifest.spec.name,
        created=manifest.created,
        tags=[tag.name for tag in list_tags(store) if tag.dataset_version == version_id],
        counts=manifest.counts,
        keep_rates=manifest.keep_rates,
        hours=round(clips.frames_by_split.total() / _FRAMES_PER_HOUR, 4),
        size_bytes=int(sum(sizes.values())),
        by_split=clips.by_split(),
        clips_by_speaker=_sorted(clips.labels["speaker"]),
        clips_by_emotion=_sorted(clips.labels["emotion"]),
        clips_by_language=_sorted(clips.labels["language"]),
        clips_by_view=_sorted(clips.labels["view"]),
        rejections_by_reason=_sorted(reasons),
        bytes_by_family=_sorted(sizes),
        face_model=manifest.face_model,
        quality=_quality(store, manifest.face_model, clips) if manifest.face_model else None,
        software=manifest.software,
        stage_versions=manifest.stage_versions,
        spec=manifest.spec.model_dump(mode="json"),
    )


def _quality(store: ObjectStore, face_model: str, clips: _ClipTotals) -> dict[str, float | None]:
    try:
        variance: float | None = read_card(store, face_model).expression_variance_64
    except FileNotFoundError:  # `dataset verify` reports it
        variance = None
    return {
        "reprojection_error_percent_iod": clips.median_fit("fit_error_percent_iod"),
        "jitter_ratio": clips.median_fit("fit_jitter_ratio"),
        "expression_variance_64": variance,
    }


class _ClipTotals:
    def __init__(self) -> None:
        self.labels: dict[str, Counter[str]] = {name: Counter() for name in ("split", "speaker", "emotion", "language", "view")}
        self.frames_by_split: Counter[str] = Counter()
        self._speakers_by_split: dict[str, set[str]] = {}
        self._fits: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in _FIT_COLUMNS}

    def add(self, batch: pa.RecordBatch) -> None:
        for name, counts in self.labels.items():
            counts.update(_value_counts(batch.column(name)))
        fitted = np.array(batch.column("coefficients_part").to_pylist(), dtype=object) != ""
        for name, values in self._fits.items():
            values.append(batch.column(name).to_numpy(zero_copy_only=False)[fitted])
        self.frames_by_split.update(_sums(batch, "split", "frames"))
        pairs = pa.table({name: batch.column(name) for name in ("split", "speaker")}).group_by(["split", "speaker"]).aggregate([])
        for row in pairs.to_pylist():
            self._speakers_by_split.setdefault(row["split"], set()).add(row["speaker"])

    def median_fit(self, name: str) -> float | None:
        """Return the median of a column over fitted clips, those in which it could not be measured (0) left out."""
        values = np.concatenate(self._fits[name])
        measured = values[values > 0]
        return round(float(np.median(measured)), 6) if len(measured) else None

    def by_split(self) -> dict[str, dict[str, int | float]]:
        return {
            split: {
                "clips": self.labels["split"][split],
                "speakers": len(self._speakers_by_split[split]),
                "hours": round(self.frames_by_split[split] / _FRAMES_PER_HOUR, 4),
            }
            for split in sorted(self.labels["split"])
        }


def _value_counts(column: pa.Array) -> dict[str, int]:
    return {item["values"]: item["counts"] for item in pc.value_counts(column).to_pylist()}


def _sums(batch: pa.RecordBatch, key: str, value: str) -> dict[str, int]:
    table = pa.table({key: batch.column(key), value: batch.column(value)}).group_by(key).aggregate([(value, "sum")])
    return {row[key]: row[f"{value}_sum"] for row in table.to_pylist()}


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
