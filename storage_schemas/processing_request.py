"""What the process that handles one recording is asked, and what it answers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.build_spec import BuildSpec
from storage_schemas.clips import RecordingOutcome
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
