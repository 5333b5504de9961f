"""What a measuring process is asked for, and what it answers: one true clip and the videos that should be like it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class EvaluationSettings(BaseModel):
    """What is measured how; another value of any field is another protocol, whose rows stand in another leaderboard."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_px: int = Field(128, ge=32, le=1024, description="side of the aligned pictures of SSIM, PSNR, LMD and FID")
    cpbd_size_px: int = Field(256, ge=64, le=1024, description="side of the aligned pictures of CPBD, whose values depend on it")
    cpbd_every: int = Field(5, ge=1, description="CPBD is measured of every n-th frame")
    fid_frames: int = Field(5, ge=1, description="frames of each clip that FID is of, evenly chosen")
    emotion_frames: int = Field(32, ge=1, description="frames of each clip that the published emotion classifier sees, evenly chosen")
    most_frames: int = Field(1500, ge=5, description="what is measured of a video at most, from its beginning, in frames at 25 a second")


class WantedInputs(BaseModel):
    """Which pictures for networks a measuring process cuts out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fid: bool = False
    lips: bool = False
    faces: bool = False
    judged_mouths_px: int = Field(0, description="side of the grey mouth windows of our own sync expert; 0: none")
    judged_faces_px: int = Field(0, description="side of the grey face windows of our own emotion judge; 0: none")
    judged_faces: int = Field(0, description="how many of these at most, evenly chosen")

    @property
    def anything(self) -> bool:
        """Whether some network is to see something."""
        return self.fid or self.lips or self.faces or self.judged_mouths_px > 0 or self.judged_faces_px > 0


class GroupRequest(BaseModel):
    """A true clip and all videos that belong to it, so that the clip is read once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["group"] = "group"
    reference_kind: Literal["stored", "video"] = Field(description="a staged clip of a dataset version, or a video file")
    reference: str = Field(description="local path, as escape_path writes it")
    videos: list[str] = Field(description="local paths of the made videos, likewise")
    settings: EvaluationSettings
    wanted: WantedInputs = WantedInputs()
    out_folder: str = Field(description="local folder for pictures that networks are to see")


class SideFigures(BaseModel):
    """What is measured of one video alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width_px: int
    height_px: int
    fps: float
    frames: int = Field(description="at 25 a second, the measured ones")
    frames_left_out: int = Field(0, description="beyond `most_frames`")
    frames_without_face: int = 0
    has_sound: bool = True
    cpbd_sum: float = 0.0
    cpbd_frames: int = 0
    expression_diversity: float | None = None
    pose_diversity: float | None = None
    blinks: int | None = None
    jitter: float | None = None
    inputs: str = Field("", description="npz file in the output folder with what networks are to see")


class PairFigures(BaseModel):
    """What is measured of a made video against the true clip; sums are over frames."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    made: SideFigures
    frames: int = Field(description="that both have, all of which are compared")
    true_frames: int = Field(description="of the true clip")
    ssim_sum: float
    psnr_sum: float
    m_lmd_sum: float
    f_lmd_sum: float
    lmd_frames: int = Field(description="in which both have a face")
    identity_shape: float | None = None


class MeasuredVideo(BaseModel):
    """Of one made video: figures, or why there are none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    figures: PairFigures | None = None
    problem: str = ""


class GroupAnswer(BaseModel):
    """What became of a request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: SideFigures | None = None
    reference_problem: str = ""
    videos: list[MeasuredVideo] = Field(default_factory=list)
    take_diversity: float | None = Field(None, description="between the videos, where there are several")
