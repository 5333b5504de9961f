"""Parts: the unit of work, storage and caching. Names, paths and byte layouts of their four families.

A part is a run of recordings; each family of it is one folder ``parts/<family>/<first two of key>/<key>/`` with the data and,
written last, ``part.json`` (`PartIndex`). A part is there if and only if its ``part.json`` is.

    frames        frames.tar         WebDataset: <clip_key>-<frame 000000>.jpg and .json, mtime 0
    landmarks     landmarks.zarr     landmarks (rows, 478, 3) float32, detected (rows,) bool; a row is a 25 fps frame
    audio         audio.zarr         waveform (samples,) int16 at 16 kHz, log_mel (columns, 80) float32 at 80 a second
    coefficients  coefficients.zarr  beta, beta_raw (rows, 64) float32, rho, rho_raw (rows, 6) float32, residual, jitter (rows,)
                                     float32, flags (rows,) uint8; identity (clips, 80) float32

Clips follow each other along the first axis without gaps, in the order of the index.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.clips import Clip, FamilyHashes, FitQuality
from storage_schemas.rejections import Rejection

PART_FORMAT = 1
PART_INDEX_FILE = "part.json"
LANDMARK_COUNT = 478
LANDMARK_ROWS_PER_CHUNK = 64
LANDMARK_CHUNKS_PER_ZARR_SHARD = 64
DETECTED_ROWS_PER_CHUNK = 4096
DETECTED_CHUNKS_PER_ZARR_SHARD = 64
WAVEFORM_SAMPLES_PER_CHUNK = 16_000
WAVEFORM_CHUNKS_PER_ZARR_SHARD = 256
LOG_MEL_ROWS_PER_CHUNK = 256
LOG_MEL_CHUNKS_PER_ZARR_SHARD = 64
EXPRESSION_SIZE = 64
POSE_SIZE = 6
IDENTITY_SIZE = 80
COEFFICIENT_ROWS_PER_CHUNK = 256
COEFFICIENT_CHUNKS_PER_ZARR_SHARD = 64
IDENTITY_ROWS_PER_CHUNK = 64
IDENTITY_CHUNKS_PER_ZARR_SHARD = 64
ZSTD_LEVEL = 3


class Family(StrEnum):
    """The families of data that a part is made of."""

    FRAMES = "frames"
    LANDMARKS = "landmarks"
    AUDIO = "audio"
    COEFFICIENTS = "coefficients"


RECORDING_FAMILIES = (Family.FRAMES, Family.LANDMARKS, Family.AUDIO)
"""The families made from a recording alone; coefficients need a face model, which needs the landmarks of all."""


class RowRange(BaseModel):
    """Where a clip (or a recording, in the tar) lies: `count` rows, samples or bytes from `start`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int = Field(ge=0)
    count: int = Field(ge=0)


class PartClip(BaseModel):
    """One clip in a part and where its data lie; the keys of `ranges` are array names, or frames (index of samples in the tar)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clip: Clip
    hashes: FamilyHashes
    ranges: dict[str, RowRange] = Field(default_factory=dict)
    fit: FitQuality | None = Field(None, exclude_if=lambda fit: fit is None, description="in the coefficients family: how good they are")


class PartRecording(BaseModel):
    """One recording in a part: its clips, its rejections and, in the frames family, its bytes in the tar."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recording_id: str
    content_key: str
    clips: list[PartClip] = Field(default_factory=list)
    rejections: list[Rejection] = Field(default_factory=list)
    tar_bytes: RowRange = RowRange(start=0, count=0)


class PartObject(BaseModel):
    """One stored file of a part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(description="relative to the part's folder")
    size_bytes: int
    sha256: str


class PartIndex(BaseModel):
    """The `part.json` of a part: written last, its presence means that the part is whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = PART_FORMAT
    family: Family
    key: str = Field(description="hash of settings_key and the recordings' content keys")
    settings_key: str = Field(
        "", description="hash of everything else the bytes depend on; equal keys let a recording be copied from part to part"
    )
    recordings: list[PartRecording]
    objects: list[PartObject] = Field(description="every file but part.json itself, sorted by path")


def part_path(family: Family, key: str) -> str:
    """Return the folder of a part relative to the store."""
    return f"parts/{family.value}/{key[:2]}/{key}"


def frame_name(key: str, frame_index: int) -> str:
    """Return the WebDataset sample key of a frame: clip key, dash, six digits; no dots, which would split it."""
    return f"{key}-{frame_index:06d}"
