"""The paper's ablation of ExpFlow: Student-t against Gaussian mixture, with and without data dropout, on the same clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.coefficient_evaluation.ablation_report import AblationReport, AblationRun
from pipelines.coefficient_evaluation.latent_pictures import LatentCloud, own_centre_share
from pipelines.coefficient_evaluation.model_likelihoods import clip_latents, free_sample_outliers, modelled_values, nll_per_dimension
from pipelines.coefficient_evaluation.outliers import typical_region
from pipelines.coefficient_evaluation.version_clips import read_clips
from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.generation.run_loading import coefficient_model
from pipelines.training.coefficient_sequences import CoefficientSequence, SequenceSource
from pipelines.training.coefficient_training import train_coefficients
from pipelines.training.run_folder import load_coefficient_flow
from pipelines.training.run_settings import preset_training, run_config
from pipelines.training.trainings import RunOptions
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import Preset, RunCard, RunKind

VARIANTS: dict[str, dict[str, Any]] = {
    "SMM": {},
    "GMM": {"latent": "gaussian"},
    "SMM without data dropout": {"past_dropout": 0.0, "history_dropout": 0.0},
}
"""What each variant changes of the training's specification."""

_MOST_CLIPS = 64
_DRAWS = 4


@dataclass(frozen=True)
class AblationSettings:
    """How the variants are trained.

    Attributes:
        preset: sizes of the network.
        steps: optimiser steps; 0: those of the preset.
        max_minutes: wall-clock cap of each training; 0: none.
        repetitions: trainings of each variant: with other seeds and, where the source says so, other held-out clips.
        threads: processor threads; 0: one for each processor.
        device: auto, cpu or cuda.
        variants: which of them.
    """

    preset: Preset = Preset.TINY
    steps: int = 0
    max_minutes: float = 0.0
    repetitions: int = 1
    threads: int = 0
    device: str = "auto"
    variants: Sequence[str] = tuple(VARIANTS)


def ablate(
    store: ObjectStore,
    source_of: Callable[[int], SequenceSource],
    settings: AblationSettings,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> tuple[AblationReport, list[LatentCloud]]:
    """Train each variant and compare them on clips that none has seen.

    The last averaged weights are kept, not those with the best likelihood on the held-out clips, which would favour whoever overfits.

    Args:
        store: where the runs are kept: asked again, finished ones are found.
        source_of: gives the sequences of a repetition; their split validation is held out.
        settings: see there.
        on_progress: (trainings done, trainings in all, what is trained now).

    Returns:
        The report, and of the first repetition the latents of training and held-out clips by emotion.

    Raises:
        BadInputError: there is nothing to train on or to hold out.
        BuildFailedError: a training diverged.
        StoreError: the store cannot be read or written.
    """
    runs: list[AblationRun] = []
    clouds: list[LatentCloud] = []
    total = settings.repetitions * len(settings.variants)
    for repetition in range(settings.repetitions):
        source = source_of(repetition)
        train, held_out = read_clips(source, "train", _MOST_CLIPS), read_clips(source, "validation", _MOST_CLIPS)
        for name in settings.variants:
            if on_progress is not None:
                on_progress(len(runs), total, name)
            card = train_variant(store, source, settings, name, repetition)
            model = coefficient_model(load_coefficient_flow(store, card.run_id, RunKind.EXPFLOW))
            runs.append(_measured(model, train, held_out, name, repetition, card))
            if repetition == 0:
                clouds.append(latent_cloud(name, model, [*train, *held_out]))
    return AblationReport(dataset=source_of(0).dataset, preset=settings.preset.value, runs=runs), clouds


def latent_cloud(title: str, model: CoefficientModel, clips: Sequence[CoefficientSequence]) -> LatentCloud:
    """Return the latents of clips with the label of each frame."""
    labels = [clip.emotion or "unlabelled" for clip in clips for _ in range(clip.frames)]
    return LatentCloud(title, np.concatenate([clip_latents(model, clip) for clip in clips]), labels)


def train_variant(store: ObjectStore, source: SequenceSource, settings: AblationSettings, variant: str, repetition: int) -> RunCard:
    """Train one variant once, or find that it was trained; return the card of its run.

    Raises:
        BadInputError: there is nothing to train on.
        BuildFailedError: the training diverged.
        StoreError: the store cannot be read or written.
    """
    changes: dict[str, Any] = {"seed": repetition, "keep": "last", "max_minutes": settings.max_minutes, **VARIANTS[variant]}
    if settings.steps:
        changes["steps"] = settings.steps
    spec = preset_training(RunKind.EXPFLOW, settings.preset, **changes)
    options = RunOptions(device=settings.device, threads=settings.threads)
    return train_coefficients(store, source, run_config(RunKind.EXPFLOW, source, spec), options).card


def _measured(
    model: CoefficientModel,
    train: Sequence[CoefficientSequence],
    held_out: Sequence[CoefficientSequence],
    variant: str,
    repetition: int,
    card: RunCard,
) -> AblationRun:
    model.flow.prepare_for_sampling()
    region = typical_region(np.concatenate([modelled_values(model, clip)[clip.usable] for clip in train]))
    latents = [clip_latents(model, clip) for clip in held_out]
    labels = [clip.emotion for clip in held_out for _ in range(clip.frames)]
    return AblationRun(
        variant=variant,
        repetition=repetition,
        run=model.run_id,
        seconds=card.seconds,
        steps=card.steps,
        train_nll=nll_per_dimension(model, train),
        held_out_nll=nll_per_dimension(model, held_out),
        held_out_nll_without_past=nll_per_dimension(model, held_out, with_past=False),
        sample_outliers=float(np.mean([free_sample_outliers(model, held_out, region, seed) for seed in range(_DRAWS)])),
        real_outliers=region.outlier_share(np.concatenate([modelled_values(model, clip)[clip.usable] for clip in held_out])),
        own_centre_share=own_centre_share(np.concatenate(latents), labels) if len(set(labels)) > 1 else None,
    )
