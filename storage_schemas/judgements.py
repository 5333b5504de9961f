"""What judges say of the clips of a part; kept in the store so that nobody judges them twice.

parts/judgements/<first two of key>/<key>/judgements.json    PartJudgements

No version names them: `dataset gc` may remove them, and they are made again.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.training_runs import RUN_FORMAT, RunKind

JUDGEMENTS_FILE = "judgements.json"


class ClipJudgement(BaseModel):
    """What one judge says of a clip; what the other kind of judge says is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    offset_frames: int = Field(0, description="sync: by how many frames the sound is late")
    confidence: float = Field(0.0, description="sync: how much that offset stands out")
    probabilities: list[float] = Field(default_factory=list, description="emotion: of JUDGED_EMOTIONS, in order")


class PartJudgements(BaseModel):
    """The `judgements.json` of a part by one judge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = RUN_FORMAT
    kind: RunKind = Field(description="sync or emotion")
    run_id: str = Field(description="of the judge")
    weights_sha256: str = Field(description="of its weights")
    parts: dict[str, str] = Field(description="keys of the parts that were judged, by family")
    clips: dict[str, ClipJudgement] = Field(description="by clip key; clips that could not be judged are left out")


def judgements_path(key: str) -> str:
    """Return the folder of a part's judgements relative to the store."""
    return f"parts/judgements/{key[:2]}/{key}"
