"""Evaluates trained runs on a dataset version: from names of runs and a version to a report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from pipelines.coefficient_evaluation.curve_measures import pearson
from pipelines.coefficient_evaluation.figure_list import FIGURES
from pipelines.coefficient_evaluation.generation_evaluation import evaluate_generation
from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings
from pipelines.coefficient_evaluation.sample_figures import SampledClip, Yardstick
from pipelines.coefficient_evaluation.version_clips import (
    MOST_TRAINING_CLIPS,
    driven_openings,
    read_clips,
    stored_face_model,
    yardstick_of,
)
from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.generation.generator import CoefficientGenerator
from pipelines.generation.run_loading import load_models
from pipelines.training.coefficient_sequences import CoefficientSequence
from pipelines.training.version_sequences import VersionSequences
from storage_schemas.errors import BadInputError
from storage_schemas.object_store_protocol import ObjectStore


class ClipReport(BaseModel):
    """Figures of one held-out clip."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clip_id: str
    emotion: str = Field(description="its label; empty: unknown")
    frames: int
    mouth_opening_r: float | None = Field(description="mean over the seeds")
    recognised_as: dict[str, int] = Field(description="samples by the emotion that the discriminant analysis finds")


class EvaluationReport(BaseModel):
    """What `flowvqtalker coefficients evaluate --json` prints, the figures being on the same level as the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: list[str] = Field(description="runs that were evaluated")
    dataset: str = Field(description="id of the dataset version")
    split: str
    seeds: int = Field(description="samples of each clip")
    seconds: dict[str, float] = Field(description="by stage")
    clips: list[ClipReport]
    figures: dict[str, float | None] = Field(description="see the documents; null: not measured")

    def as_json(self) -> dict[str, object]:
        """Return the report as one flat object."""
        values: dict[str, object] = self.model_dump(mode="json")
        del values["figures"]
        return values | dict(self.figures)


@dataclass(frozen=True, eq=False)
class EvaluationInputs:
    """What evaluations and pictures are made from.

    Attributes:
        generator: of the runs.
        source: of the clips.
        train, held_out: clips that were read.
        yardstick: of the training clips.
    """

    generator: CoefficientGenerator
    source: VersionSequences
    train: list[CoefficientSequence]
    held_out: list[CoefficientSequence]
    yardstick: Yardstick


def load_inputs(
    store: ObjectStore, runs: Sequence[str], version: str, split: str, most_clips: int, device: str = "cpu"
) -> EvaluationInputs:
    """Read runs and clips.

    Args:
        store: where they are.
        runs: an ExpFlow and, if poses are wanted, a PoseFlow, e.g. expflow/latest.
        version: id, beginning of one, or tag.
        split: held-out clips are of it; several with commas between.
        most_clips: held-out clips, evenly chosen.
        device: where the networks run.

    Raises:
        BadInputError: no such run, version or clips, or the runs were trained with another face model.
        StoreError: something is damaged.
    """
    expflow, poseflow = load_models(store, list(runs))
    source = VersionSequences(store, version)
    _check_face_model(expflow, source)
    train = read_clips(source, "train", MOST_TRAINING_CLIPS)
    held_out = read_clips(source, split, most_clips)
    yardstick = yardstick_of(train, stored_face_model(store, source.face_model))
    return EvaluationInputs(CoefficientGenerator(expflow, poseflow, device), source, train, held_out, yardstick)


def evaluate_runs(
    store: ObjectStore,
    runs: Sequence[str],
    version: str,
    split: str = "validation",
    settings: EvaluationSettings | None = None,
    truth: Path | None = None,
    most_clips: int = 16,
    device: str = "cpu",
) -> EvaluationReport:
    """Evaluate runs on held-out clips of a version.

    Args:
        store: where they are.
        runs: see `load_inputs`.
        version: see `load_inputs`.
        split: see `load_inputs`.
        settings: how much is generated.
        truth: folder of the demo corpus that the version was built from, for the curves that drove it.
        most_clips: see `load_inputs`.
        device: where the networks run.

    Raises:
        BadInputError, StoreError: as `load_inputs`; or the folder of the truth is another one.
    """
    settings = settings or EvaluationSettings()
    inputs = load_inputs(store, runs, version, split, most_clips, device)
    driven = driven_openings(store, inputs.source.dataset, truth, inputs.held_out) if truth is not None else None
    found = evaluate_generation(inputs.generator, inputs.train, inputs.held_out, inputs.yardstick, settings, driven)
    generator = inputs.generator
    return EvaluationReport(
        models=[model.run_id for model in (generator.expflow, generator.poseflow) if model is not None],
        dataset=inputs.source.dataset,
        split=split,
        seeds=settings.seeds,
        seconds=found.seconds,
        clips=[_clip_report(sample, inputs.yardstick) for sample in found.samples],
        figures={name: _finite(found.figures.get(name)) for name in FIGURES},
    )


def _check_face_model(expflow: CoefficientModel, source: VersionSequences) -> None:
    trained_on = str(expflow.lineage.get("face_model", ""))
    if trained_on != source.face_model:
        raise BadInputError(
            f"{expflow.run_id} was trained on coefficients of face model {trained_on or '(unknown)'}, version {source.dataset} has "
            f"{source.face_model}: the numbers mean other things; evaluate on a version with the run's face model"
        )


def _clip_report(sample: SampledClip, yardstick: Yardstick) -> ClipReport:
    mouth, judge, real = yardstick.mouth, yardstick.judge, sample.real
    found = judge.classify(list(sample.beta)) if judge is not None else []
    r = None
    if mouth is not None:
        r = _finite(float(np.mean([pearson(mouth.of(beta), mouth.of(real.beta)) for beta in sample.beta])))
    counts = {label: found.count(label) for label in sorted(set(found))}
    return ClipReport(clip_id=real.clip_id, emotion=real.emotion, frames=len(real.beta), mouth_opening_r=r, recognised_as=counts)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
