"""What is asked of a rendering: list, models, where the clips go, and how they are made."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.form_titles import form_title


class X264Preset(StrEnum):
    """Speed presets of x264, from fast to small."""

    ULTRAFAST = "ultrafast"
    VERYFAST = "veryfast"
    FAST = "fast"
    MEDIUM = "medium"
    SLOW = "slow"
    VERYSLOW = "veryslow"


class RenderOptions(BaseModel):
    """How clips are made. What `shown` returns is to be seen in them and belongs to their identity; the rest does not."""

    model_config = ConfigDict(frozen=True, extra="forbid", field_title_generator=form_title)

    device: Literal["cpu", "cuda"] = Field("cpu", description="Where networks run: cpu or cuda")
    precision: Literal["float32", "bfloat16"] = Field("float32", description="In which the image generator computes; shown")
    batch_frames: int = Field(8, ge=1, le=1024, description="Frames made at once")
    group_clips: int = Field(32, ge=1, le=1024, description="Clips whose coefficients are drawn together")
    encoders: int = Field(1, ge=1, le=256, description="Encoding processes")
    preparers: int = Field(1, ge=1, le=64, description="Processes that open portraits and sound")
    compiled: bool = Field(False, description="Compile the networks first, which takes a minute or so")
    cuda_graphs: bool = Field(False, description="Record the work of a batch once and replay it; for cuda alone")
    paste_back: bool = Field(False, description="Put the generated square back into the portrait's picture; shown")
    crf: int = Field(18, ge=0, le=51, description="Constant rate factor of x264, lower is better; shown")
    x264_preset: X264Preset = Field(X264Preset.MEDIUM, description="Speed preset of x264; shown")
    temperature: float = Field(0.8, ge=0, le=4, description="Spread of expressions, 1: the model's; shown")
    pose_temperature: float = Field(0.9, ge=0, le=4, description="Spread of poses; shown")

    def shown(self) -> dict[str, Any]:
        """Return what decides how a clip looks, as JSON values."""
        names = {"precision", "paste_back", "crf", "x264_preset", "temperature", "pose_temperature"}
        return self.model_dump(mode="json", include=names)


class RenderRequest(BaseModel):
    """A list to be rendered."""

    model_config = ConfigDict(frozen=True, extra="forbid", field_title_generator=form_title)

    scripts: str = Field(min_length=1, description="Script list as the worker sees it, a file or s3:// address, e.g. /data/clips.csv")
    models: list[str] = Field(
        default_factory=list, description="Runs, e.g. expflow/3f2a..., poseflow/..., vqig/...; a kind that is not named: its latest"
    )
    store: str = Field(
        "", description="Store with the runs, e.g. /data/store or s3://bucket/prefix; empty: the worker's FLOWVQTALKER_STORE"
    )
    out: str = Field(min_length=1, description="Where clips and results go: a folder or s3://bucket/prefix, e.g. /data/clips")
    speech: str = Field("", description="Speech engine of rows with text, e.g. espeak-ng; empty: that of the environment")
    chunk_clips: int = Field(512, ge=1, le=100_000, description="Clips that are handed to a GPU worker at a time, e.g. 512")
    options: RenderOptions = Field(RenderOptions(), description="How clips are made, e.g. their frame quality")
