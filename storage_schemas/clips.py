"""A clip: a cropped, single-face piece of video at 25 fps, as the build found it and as a dataset version lists it."""

from __future__ import annotations

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.rejections import Rejection


class Clip(BaseModel):
    """What tracking decides about one clip; frame k of it is shown at source_start_s + k / 25 on the source's clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clip_id: str = Field(description="Recording id plus _NNN, the number of the clip within the recording")
    clip_key: str = Field(description="16 hex digits, see identifiers.clip_key")
    recording_id: str
    frames: int = Field(ge=1, description="Number of 25 fps frames")
    source_start_s: float = Field(description="Presentation time of frame 0 in seconds after the recording's first video frame")
    window_x_px: float = Field(description="Left edge of the crop window in the upright source frame")
    window_y_px: float = Field(description="Top edge")
    window_size_px: float = Field(gt=0, description="Side of the square window")
    window_source: str = Field(description="tracked or annotated")
    source_width_px: int = Field(description="Width of the source frame after rotation")
    source_height_px: int
    source_fps: float
    frames_held: int = Field(0, description="Frames that repeat the one before because the source had none in their slot")
    face_height_px: float = Field(description="Median height of the face box in source pixels; 0 for an undetected still")
    detection_rate: float = Field(ge=0, le=1)


class FamilyHashes(BaseModel):
    """SHA-256 of a clip's decoded content by family; empty where the clip has no such family."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: str = Field("", description="over the JPEG bytes in order")
    landmarks: str = Field("", description="over landmarks then detected, C order, little endian")
    audio: str = Field("", description="over waveform then log_mel, C order, little endian")
    # Not stored where empty: parts of the other families have the same bytes as before there were coefficients.
    coefficients: str = Field(
        "",
        exclude_if=lambda digest: not digest,
        description="over beta, rho, beta_raw, rho_raw, residual, jitter, flags and identity, C order, little endian",
    )


class FitQuality(BaseModel):
    """How well a face model fits a clip."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    error_percent_iod: float = Field(
        ge=0, description="Median distance of landmarks and fitted face in percent of the inter-ocular distance"
    )
    jitter_ratio: float = Field(ge=0, description="Second differences of rigid points, fitted over raw; 0: not measurable")
    flagged_share: float = Field(ge=0, le=1, description="Share of frames with a flag")


class RecordingOutcome(BaseModel):
    """Everything that became of one recording: its clips and its rejections, in time order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recording_id: str
    content_key: str
    clips: list[Clip] = Field(default_factory=list)
    hashes: dict[str, FamilyHashes] = Field(default_factory=dict, description="by clip_key")
    rejections: list[Rejection] = Field(default_factory=list)
    fits: dict[str, FitQuality] = Field(default_factory=dict, exclude_if=lambda fits: not fits, description="by clip_key")


CLIP_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()), ("clip_key", pa.string()), ("recording_id", pa.string()), ("split", pa.string()),
        ("speaker", pa.string()), ("emotion", pa.string()), ("level", pa.int16()), ("view", pa.string()),
        ("language", pa.string()), ("licence", pa.string()), ("consent", pa.string()),
        ("frames", pa.int32()), ("duration_s", pa.float64()), ("source_start_s", pa.float64()),
        ("source_video", pa.string()), ("source_audio", pa.string()),
        ("source_sha256", pa.string()), ("source_audio_sha256", pa.string()),
        ("source_width_px", pa.int32()), ("source_height_px", pa.int32()), ("source_fps", pa.float64()),
        ("window_x_px", pa.float64()), ("window_y_px", pa.float64()), ("window_size_px", pa.float64()),
        ("window_source", pa.string()), ("frames_held", pa.int32()), ("face_height_px", pa.float64()),
        ("detection_rate", pa.float64()),
        ("frames_part", pa.string()), ("landmarks_part", pa.string()), ("audio_part", pa.string()),
        ("landmarks_start", pa.int64()),
        ("waveform_start", pa.int64()), ("waveform_samples", pa.int64()),
        ("log_mel_start", pa.int64()), ("log_mel_frames", pa.int64()),
        ("frames_sha256", pa.string()), ("landmarks_sha256", pa.string()), ("audio_sha256", pa.string()),
        ("coefficients_part", pa.string()), ("coefficients_start", pa.int64()), ("identity_row", pa.int64()),
        ("coefficients_sha256", pa.string()),
        ("fit_error_percent_iod", pa.float64()), ("fit_jitter_ratio", pa.float64()), ("fit_flagged_share", pa.float64()),
    ]
)  # fmt: skip
"""Columns of a version's `clips.parquet`; `*_part` are part keys, `*_start` rows in that part's arrays (see part_layout)."""

CLIP_COLUMNS_BY_FORMAT = {1: 39}
"""How many of the columns the tables of earlier manifest formats have; the later ones are empty or 0 for their clips."""
