"""A recording: one source video (or a time range of it) as a corpus lists it, before anything is decoded."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.identifiers import Emotion, content_hash


class Recording(BaseModel):
    """One source video, or a time range of one, with the labels its corpus gives it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recording_id: str = Field(description="Readable, unique path-like id, e.g. M003/front/angry/level_1/001")
    video: str = Field(description="Path of the video or image relative to the corpus root, as escape_path writes it")
    audio: str = Field("", description="Path of a separate audio file, escaped likewise; empty: the video's own audio")
    is_still: bool = Field(False, description="A still image: only the frames family exists for it")
    start_s: float = Field(0.0, ge=0, description="Start of the range in seconds after the video's first frame")
    end_s: float = Field(0.0, ge=0, description="End of the range in seconds after the first frame; 0: to the end")
    speaker: str = Field(description="Speaker id; the unit of train/test splits")
    emotion: Emotion = Emotion.UNLABELLED
    level: int = Field(0, ge=0, description="Emotion intensity level; 0: none given")
    view: str = Field("", description="Camera view, e.g. front")
    language: str = ""
    licence: str = Field("", description="Licence of the source where the corpus states one")
    consent: str = Field("", description="Consent note of the source where the corpus states one")
    window_x_px: int = Field(0, description="Annotated crop window: left edge, in a frame of window_reference_height_px")
    window_y_px: int = 0
    window_width_px: int = Field(0, ge=0, description="0: no window annotated, it is tracked")
    window_height_px: int = Field(0, ge=0)
    window_reference_height_px: int = Field(0, ge=0)
    window_scale: float = Field(1.0, gt=0, description="Zoom of a tracked window (HDTF's crop ratio)")
    size_bytes: int = Field(0, ge=0, description="Size of the video file")
    video_sha256: str = Field("", description="Filled by fingerprinting")
    audio_sha256: str = ""

    def content_key(self) -> str:
        """Return the hash of everything that decides this recording's pixels and samples; labels are not in it."""
        return content_hash(
            [
                self.recording_id, self.video_sha256, self.audio_sha256, self.is_still, self.start_s, self.end_s,
                self.window_x_px, self.window_y_px, self.window_width_px, self.window_height_px,
                self.window_reference_height_px, self.window_scale,
            ]
        )  # fmt: skip


RECORDING_SCHEMA = pa.schema(
    [
        ("recording_id", pa.string()), ("video", pa.string()), ("audio", pa.string()), ("is_still", pa.bool_()),
        ("start_s", pa.float64()), ("end_s", pa.float64()),
        ("speaker", pa.string()), ("emotion", pa.string()), ("level", pa.int16()), ("view", pa.string()),
        ("language", pa.string()), ("licence", pa.string()), ("consent", pa.string()),
        ("window_x_px", pa.int32()), ("window_y_px", pa.int32()), ("window_width_px", pa.int32()),
        ("window_height_px", pa.int32()), ("window_reference_height_px", pa.int32()), ("window_scale", pa.float64()),
        ("size_bytes", pa.int64()), ("video_sha256", pa.string()), ("audio_sha256", pa.string()),
    ]
)  # fmt: skip
"""Columns of a listing: the fields of `Recording`, one row a recording."""


def recordings_table(recordings: Iterable[Recording]) -> pa.Table:
    """Return recordings as an Arrow table in `RECORDING_SCHEMA`, in the given order."""
    return pa.Table.from_pylist([recording.model_dump(mode="json") for recording in recordings], schema=RECORDING_SCHEMA)
