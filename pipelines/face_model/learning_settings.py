"""The choices that decide the content of a learned face model."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

LEARNING_VERSION = 1
"""Raised whenever the same landmarks and settings would give another model."""


class LearningSettings(BaseModel):
    """Settings of both passes over a corpus and of the model made from them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    depth_weight: float = Field(0.1, gt=0, le=1, description="Weight of MediaPipe's depth against image coordinates")
    largest_angle_deg: float = Field(35.0, gt=0, le=80, description="Frames with more pitch or yaw are not learned from")
    frames_per_clip: int = Field(250, ge=1, description="Longer clips are sampled evenly down to this many frames")
    smooth_speakers: float = Field(5.0, gt=0, description="Weight of the smooth identity prior, in speakers")
