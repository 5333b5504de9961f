"""Dataset versions: the immutable manifest, its ids and its tags.

versions/<id>/clips.parquet        CLIP_SCHEMA, sorted by recording_id, number of the clip
versions/<id>/rejections.parquet   REJECTION_SCHEMA, sorted by recording_id, start_s
versions/<id>/objects.parquet      OBJECT_SCHEMA, sorted by uri
versions/<id>/report.html          for people; not part of the id
versions/<id>/manifest.json        VersionManifest, written last: until then nothing is visible
tags/<name>.json                   Tag, movable
"""

from __future__ import annotations

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.build_spec import BuildSpec

VERSION_FORMAT = 2
VERSION_ID_DIGITS = 16

OBJECT_SCHEMA = pa.schema(
    [("uri", pa.string()), ("size_bytes", pa.int64()), ("sha256", pa.string()), ("family", pa.string()), ("part_key", pa.string())]
)
"""Columns of `objects.parquet`: every file the version names (part.json included), uri relative to the store."""


class VersionManifest(BaseModel):
    """The manifest of a dataset version; `dataset_version` is a hash of everything here but itself, `created` and `tables`' file hashes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = VERSION_FORMAT
    dataset_version: str = Field(description="VERSION_ID_DIGITS hex digits: hash of content, never of a place or a date")
    recipe: str = Field(description="64 hex digits: hash of inputs, spec and stage versions only")
    spec: BuildSpec
    stage_versions: dict[str, int]
    software: dict[str, str] = Field(description="versions of the libraries that decide bytes")
    model_hashes: dict[str, str] = Field(description="SHA-256 of each landmark model file")
    face_model: str = Field("", description="id of the face model of the coefficients; empty: the version has none")
    content: dict[str, str] = Field(description="row digests of clips, rejections and objects")
    counts: dict[str, int] = Field(description="recordings, clips, rejections, frames, objects, bytes, clips by split")
    keep_rates: dict[str, float] = Field(description="share kept by each filter, by rejection reason, of the recordings that reached it")
    files: dict[str, str] = Field(description="SHA-256 of the three Parquet files")
    created: str = Field(description="UTC time; information only")


class Tag(BaseModel):
    """A movable name for a dataset version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    dataset_version: str
    moved: str = Field(description="UTC time")
