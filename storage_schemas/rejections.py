"""Rejections: what was left out of a dataset version, and why."""

from __future__ import annotations

from enum import StrEnum

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field


class Stage(StrEnum):
    """The stage of a build at which something was rejected."""

    DISCOVER = "discover"
    PROBE = "probe"
    TRACK = "track"
    LANDMARKS = "landmarks"
    AUDIO = "audio"
    FACE_MODEL = "face_model"
    FILTER = "filter"


class RejectionReason(StrEnum):
    """Why a recording or a piece of one is not in the dataset; the value is stored and is stable."""

    NOT_A_REGULAR_FILE = "not_a_regular_file"  # dangling or looping symlink, directory or device named like a video
    UNREADABLE_FILE = "unreadable_file"  # permission denied or I/O error
    EMPTY_FILE = "empty_file"
    UNKNOWN_NAME = "unknown_name"  # the name does not follow the corpus layout
    MISSING_SOURCE = "missing_source"  # annotated, but the file is not there
    BAD_ANNOTATION = "bad_annotation"
    DUPLICATE_RECORDING = "duplicate_recording"
    NOT_MEDIA = "not_media"  # no demuxer recognises the bytes
    TRUNCATED_FILE = "truncated_file"  # recognised, but the index or the end is missing
    NO_VIDEO_STREAM = "no_video_stream"
    NO_AUDIO_STREAM = "no_audio_stream"
    UNSUPPORTED_CODEC = "unsupported_codec"
    VIDEO_UNDECODABLE = "video_undecodable"
    AUDIO_UNDECODABLE = "audio_undecodable"
    DIMENSIONS_OUT_OF_RANGE = "dimensions_out_of_range"
    DURATION_OUT_OF_RANGE = "duration_out_of_range"
    FRAME_RATE_OUT_OF_RANGE = "frame_rate_out_of_range"
    AUDIO_TOO_SHORT = "audio_too_short"  # the audio ends before the piece begins, or covers too little of it
    TOO_SHORT = "too_short"  # fewer frames than a clip needs
    NO_FACE = "no_face"
    FACE_TOO_SMALL = "face_too_small"
    SEVERAL_FACES = "several_faces"
    FACE_LOST = "face_lost"  # detected in too few frames of the piece
    POOR_FIT = "poor_fit"  # the face model does not fit the landmarks, or only in some frames
    SYNC_OFFSET = "sync_offset"  # the sync expert finds the sound too far from its pictures
    SYNC_CONFIDENCE = "sync_confidence"  # the sync expert finds no offset at which lips and sound go together
    WRONG_LABEL = "wrong_label"  # the emotion judge finds the label unlikely
    TIME_LIMIT = "time_limit"
    MEMORY_LIMIT = "memory_limit"
    CRASHED = "crashed"  # the process that handled it died, twice
    FAMILY_MISSING = "family_missing"  # the clip lacks data that its recording should have; the details name the families
    FILTERED = "filtered"  # a filter of the version left the clip out; the details name it


class Rejection(BaseModel):
    """One rejected recording or piece of a recording, with the numbers behind the decision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    item_id: str = Field(description="Recording id, or the id the clip would have had")
    recording_id: str
    stage: Stage
    reason: RejectionReason
    message: str = Field(description="What was expected and what was found, in one sentence")
    details: dict[str, float | int | str] = Field(default_factory=dict, description="The numbers behind the decision")
    start_s: float = 0.0
    end_s: float = 0.0


REJECTION_SCHEMA = pa.schema(
    [
        ("item_id", pa.string()), ("recording_id", pa.string()), ("stage", pa.string()), ("reason", pa.string()),
        ("message", pa.string()), ("details_json", pa.string()), ("start_s", pa.float64()), ("end_s", pa.float64()),
        ("source_video", pa.string()), ("source_sha256", pa.string()),
    ]
)  # fmt: skip
"""Columns of a version's `rejections.parquet`; `details_json` is canonical JSON."""
