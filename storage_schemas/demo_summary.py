"""What the demonstration is asked for and what it leaves: ``summary.json`` beside the page.

<out>/corpus/            the demo corpus
<out>/store/             dataset version and runs
<out>/script/            portrait, speech and the script list
<out>/renders/           clips, results table, gallery
<out>/held-out-list/     portraits, sounds and a script list of held-out clips
<out>/held-out/          the same clips rendered
<out>/stages.json        what each stage was asked for and how long it took
<out>/summary.json       DemoSummary
<out>/index.html         the page
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.script_rows import STRONGEST
from storage_schemas.training_runs import RunKind


class TrainingShare(BaseModel):
    """How much one network of the demonstration is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(ge=1, description="optimiser steps")
    max_minutes: float = Field(ge=0, description="wall-clock cap: a slow machine gets a smaller training; 0: none")


class DemoSettings(BaseModel):
    """What the demonstration makes; steps are fitted to nine minutes on two idle processor cores."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clips: int = Field(24, ge=8, le=9999, description="clips of the demo corpus")
    speakers: int = Field(4, ge=1, le=4, description="speakers of the corpus")
    seed: int = Field(7, ge=0, description="of corpus, trainings and takes")
    takes: int = Field(2, ge=1, le=100, description="different clips of each emotion")
    intensity: float = Field(
        1.5, ge=0, le=STRONGEST, description="of the emotions; over 1, since networks trained for minutes show them too weakly"
    )
    trainings: dict[RunKind, TrainingShare] = Field(
        default_factory=lambda: {
            RunKind.EXPFLOW: TrainingShare(steps=290, max_minutes=1.8),
            RunKind.POSEFLOW: TrainingShare(steps=160, max_minutes=1.2),
            RunKind.CODEBOOK: TrainingShare(steps=750, max_minutes=1.6),
            RunKind.VQIG: TrainingShare(steps=720, max_minutes=3.0),
        },
        description="by network, in the order of training",
    )


class DemoRender(BaseModel):
    """A clip of the demonstration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(description="clip, relative to the output folder; empty: it failed")
    emotion: str = Field(description="what was asked for; of a transfer, the label of the reference")
    reference: str = Field(description="clip that the emotion was taken from; empty: a label was given")
    intensity: float = Field(1.0, description="of the emotion, 0 neutral to 2")
    seed: int
    take: int
    frames: int
    problem: str = Field(description="why it failed; empty: it did not")
    face_found_share: float | None = Field(None, description="share of frames in which a face tracker finds a face; null: not measured")
    mouth_sound_r: float | None = Field(None, description="correlation of mouth opening and loudness; null: not measured")
    takes_differ: float | None = Field(
        None, description="mean distance of the face's landmarks from those of the first take, % of the inter-ocular distance"
    )


class DemoEvaluation(BaseModel):
    """The rendered held-out clips against the true ones, see docs/evaluation.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pairs: int = Field(description="clips that were compared")
    pairs_expected: int = Field(description="held-out clips")
    evaluation_set: str = Field(description="hash of the held-out clips")
    metrics: dict[str, float | None] = Field(description="of the rendered clips; null: see `missing`")
    ground_truth: dict[str, float | None] = Field(description="of the true clips by the same measure")
    missing: dict[str, str] = Field(description="why a metric is null")
    leaderboard: str = Field(description="page with the table, relative to the output folder")


class DemoSummary(BaseModel):
    """What the demonstration leaves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_version: str
    clips_accepted: int
    seconds: dict[str, float] = Field(description="by stage, over all sittings")
    seconds_total: float = Field(description="of all stages")
    seconds_this_run: float = Field(description="of this run, reused stages included")
    reused: list[str] = Field(description="stages that an earlier run had finished")
    models: dict[str, str] = Field(description="run of each network, e.g. expflow/3f2a...")
    steps: dict[str, int] = Field(description="steps that each was trained")
    store: str = Field(description="folder of version and runs, relative to the output folder")
    report: str = Field(description="the version's report, relative to the output folder")
    portrait: str = Field(description="face that was animated, relative to the output folder")
    renders: list[DemoRender]
    figures: dict[str, float | None] = Field(description="of the evaluations on held-out clips; null: not measured")
    evaluation: DemoEvaluation | None = Field(None, description="rendered held-out clips against the true ones; null: none are held out")
    index: str = Field(description="the page, relative to the output folder")

    def failed(self) -> list[DemoRender]:
        """Return the clips that could not be made."""
        return [render for render in self.renders if render.problem]
