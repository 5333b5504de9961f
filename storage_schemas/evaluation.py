"""What an evaluation is asked for and what comes out of it: the report, the row of the leaderboard.

evaluations/<set>/<protocol>/rows/<method>.json      EvaluationReport of a method's last evaluation
evaluations/<set>/<protocol>/leaderboard.*           the same rows as Parquet (LEADERBOARD_SCHEMA), Markdown, LaTeX and HTML
"""

from __future__ import annotations

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.evaluation_requests import EvaluationSettings

EVALUATION_FORMAT = 1
EVALUATIONS_FOLDER = "evaluations"

METRIC_VERSIONS: dict[str, int] = {
    "alignment": 1, "ssim": 1, "psnr": 1, "fid": 1, "m_lmd": 1, "f_lmd": 1, "sync_conf": 1, "sync_dist": 1, "sync_offset": 1,
    "cpbd": 1, "acc_emo": 1, "sync_conf_own": 1, "sync_dist_own": 1, "sync_offset_own": 1, "acc_emo_own": 1,
    "expression_diversity": 1, "pose_diversity": 1, "take_diversity": 1, "blink_rate": 1, "jitter": 1, "identity_shape": 1,
}  # fmt: skip
"""Raised whenever a metric's values change; part of the protocol."""
METRICS = tuple(name for name in METRIC_VERSIONS if name != "alignment")


class EvaluationRequest(BaseModel):
    """What is evaluated against what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generated: str = Field(description="output folder of `render`, or any folder of videos, e.g. /data/clips")
    reference: str = Field(description="dataset version (id, beginning of one, or tag) or folder of true videos, e.g. latest")
    store: str = Field("", description="with the version and the judges; rows of the leaderboard go there, e.g. /data/store")
    split: str = Field("", description="of the version, e.g. test; empty: that, or validation where there is no test split")
    pairs: str = Field("", description="CSV with columns video, reference and perhaps emotion, e.g. /data/pairs.csv; empty: by name")
    method: str = Field("", description="row of the leaderboard, e.g. ours; empty: name of the folder")
    fid_weights: str = Field("", description="safetensors file of FID's Inception network, e.g. /models/inception.safetensors")
    syncnet_weights: str = Field("", description="safetensors file of the published SyncNet, e.g. /models/syncnet.safetensors")
    emotion_weights: str = Field("", description="safetensors file of the published emotion classifier, e.g. /models/emotion.safetensors")
    sync_judge: str = Field("", description="run of our own sync expert, e.g. 3f2a; empty: the latest, where there is one")
    emotion_judge: str = Field("", description="run of our own emotion judge, e.g. 3f2a; empty: the latest, where there is one")
    workers: int = Field(0, ge=0, description="processes, e.g. 8; 0: one for each processor")
    device: str = Field("cpu", description="where networks run, e.g. cpu or cuda")
    settings: EvaluationSettings = Field(EvaluationSettings(), description="how videos are measured, e.g. how they are aligned")


class EvaluationWarning(BaseModel):
    """Something that a rule was needed for, and whom it concerns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str = Field(description="name of the rule, see docs/evaluation.md")
    count: int
    names: list[str] = Field(description="of the videos or clips, sorted")


class EvaluatedVideo(BaseModel):
    """One pair."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    video: str
    reference: str
    emotion: str = Field("", description="that the video should show; empty: unknown")
    frames: int = Field(0, description="compared")
    frames_without_face: int = Field(0, description="of these, in which one of both has no face; LMD leaves them out")
    metrics: dict[str, float | None] = Field(default_factory=dict)
    problem: str = Field("", description="why it could not be measured; empty: it was")


class EvaluationReport(BaseModel):
    """Everything that was found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = EVALUATION_FORMAT
    method: str
    reference: str = Field(description="dataset version, or name of the folder of true videos")
    split: str = ""
    evaluation_set: str = Field(description="16 hex digits: hash of the true clips that a method is held to")
    protocol: str = Field(description="16 hex digits: hash of settings and versions of the metrics")
    settings: EvaluationSettings
    versions: dict[str, int] = Field(description="of the metrics and of the alignment")
    pairs: int = Field(description="measured")
    pairs_expected: int = Field(
        description="pairs that should be there: measured or not, and true clips (or rows of a table) without a video"
    )
    frames: int = Field(description="compared, of all pairs")
    frames_without_face: int = Field(description="of these, left out of LMD")
    metrics: dict[str, float | None] = Field(description="null: see `missing`")
    ground_truth: dict[str, float | None] = Field(description="the true clips by the same measure")
    missing: dict[str, str] = Field(description="why a metric is null")
    weights: dict[str, str] = Field(description="of each metric that a network makes: SHA-256 of its weights, or the judge's run")
    warnings: list[EvaluationWarning]
    videos: list[EvaluatedVideo]


LEADERBOARD_SCHEMA = pa.schema(
    [
        ("method", pa.string()), ("evaluation_set", pa.string()), ("protocol", pa.string()), ("reference", pa.string()),
        ("split", pa.string()), ("size_px", pa.int32()), ("cpbd_size_px", pa.int32()), ("pairs", pa.int32()),
        ("pairs_expected", pa.int32()), ("frames", pa.int64()), ("frames_without_face", pa.int64()),
        *((name, pa.float64()) for name in METRICS),
        ("versions", pa.string()), ("weights", pa.string()),
    ]
)  # fmt: skip
"""Columns of `leaderboard.parquet`: one row for each method, and one for the ground truth."""
