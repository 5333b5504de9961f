"""What an isolated process is asked, and what it answers."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.build_spec import BuildSpec, FaceModelSettings
from storage_schemas.clips import RecordingOutcome
from storage_schemas.part_layout import PartRecording
from storage_schemas.recordings import Recording


class ProcessingRequest(BaseModel):
    """One recording to be turned into a staged recording in `out_folder`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recording: Recording
    source_root: str = Field(description="Folder of the corpus, as escape_path writes it")
    out_folder: str = Field(description="Folder for the staged recording; made by the process")
    spec: BuildSpec
    known: RecordingOutcome | None = Field(None, description="Outcome of the frames family: make the audio family only")


class ProcessingAnswer(BaseModel):
    """What became of the recording, for counting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clips: int
    frames: int
    rejections: int


class FitRequest(BaseModel):
    """The clips of one recording to be fitted, into a staged recording with the coefficients alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["fit"] = "fit"
    landmarks_folder: str = Field(description="local copy of the folder of a landmarks part")
    recording: PartRecording = Field(description="the recording's entry in that part")
    model_file: str = Field(description="local copy of the face model; its name holds the id, so equal paths are equal models")
    settings: FaceModelSettings
    size_px: int = Field(description="side of the crops")
    out_folder: str = Field(description="folder for the staged recording; made by the process")


class SumRequest(BaseModel):
    """The clips of some landmarks parts to be summed up for learning a face model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["sum"] = "sum"
    landmarks_folders: list[str] = Field(description="local copies of the folders of landmarks parts")
    speakers: dict[str, str] = Field(description="speaker by recording id; other recordings are left out")
    bases_file: str = Field("", description="the speakers' means of the first pass; empty: this is the first pass")
    settings: FaceModelSettings
    out_folder: str = Field(description="folder for the sums; made by the process")
