"""The paper's ablation of the image generator: five variants trained on the same frames with one codebook, and compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pipelines.image_evaluation.ablation_report import ImageAblationReport, ImageAblationRun
from pipelines.image_evaluation.evaluation import ImageEvaluationReport, evaluate_images, load_inputs
from pipelines.image_evaluation.held_out_clips import ClipChoice
from pipelines.models.image_generator.settings import Variant
from pipelines.rendering.frame_generator import RenderSettings
from pipelines.training.images.image_run import train_images
from pipelines.training.images.image_run_settings import generator_config, preset_image_training
from pipelines.training.images.run_loading import load_codebook
from pipelines.training.images.version_frames import VersionFrames
from pipelines.training.trainings import RunOptions
from storage_schemas.errors import BadInputError
from storage_schemas.image_runs import ImageRunCard
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import Preset, RunKind

VARIANTS = tuple(variant.value for variant in Variant)
_FIGURES = ("psnr_db", "ssim", "mouth_psnr_db", "eyes_psnr_db", "cpbd", "ms_per_frame")

OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class ImageAblationSettings:
    """How the variants are trained and compared.

    Attributes:
        preset: sizes of the networks; the codebook has to be of it.
        steps: optimiser steps; 0: those of the preset.
        max_minutes: wall-clock cap of each training; 0: none.
        repetitions: trainings of each variant, with other seeds.
        variants: which of them.
        options: device and threads of the trainings.
        choice: clips that are compared.
        render: how frames are made.
    """

    preset: Preset = Preset.TINY
    steps: int = 0
    max_minutes: float = 0.0
    repetitions: int = 1
    variants: Sequence[str] = VARIANTS
    options: RunOptions = field(default_factory=RunOptions)
    choice: ClipChoice = field(default_factory=ClipChoice)
    render: RenderSettings = field(default_factory=RenderSettings)


def ablate_images(
    store: ObjectStore,
    version: str,
    codebook: str,
    settings: ImageAblationSettings,
    on_progress: OnProgress = lambda done, total, note: None,  # noqa: ARG005
) -> ImageAblationReport:
    """Train each variant and compare them on clips that none has seen.

    Args:
        store: where the runs are kept: asked again, finished ones are found.
        version: id, beginning of one, or tag.
        codebook: run whose codes and decoder all variants have.
        settings: see there.
        on_progress: (trainings done, trainings in all, what is trained now).

    Raises:
        BadInputError: no such version, run or clips, or the codebook is of another preset.
        BuildFailedError: a training diverged.
        StoreError: the store cannot be read or written.
    """
    card = require_codebook(store, codebook, settings.preset)
    source = VersionFrames(store, version)
    runs: list[ImageAblationRun] = []
    reports: list[ImageEvaluationReport] = []
    total = settings.repetitions * len(settings.variants)
    for repetition in range(settings.repetitions):
        for variant in settings.variants:
            on_progress(len(runs), total, variant)
            trained = train_variant(store, source, card.run_id, settings, variant, repetition)
            inputs = load_inputs(store, f"{RunKind.VQIG.value}/{trained.run_id}", source.dataset, settings.choice, settings.render)
            reports.append(evaluate_images(inputs))
            runs.append(_row(trained, reports[-1], variant, repetition))
    on_progress(total, total, "")
    return ImageAblationReport(
        dataset=source.dataset,
        split=settings.choice.split,
        codebook=f"{RunKind.CODEBOOK.value}/{card.run_id}",
        preset=settings.preset.value,
        real_cpbd=reports[0].figures["real_cpbd"],
        runs=runs,
    )


def require_codebook(store: ObjectStore, name: str, preset: Preset) -> ImageRunCard:
    """Return the card of a codebook of a preset; BadInputError if there is none or it is of another preset."""
    card = load_codebook(store, name).card
    if card.config.training.preset is not preset:
        found = card.config.training.preset.value
        raise BadInputError(
            f"{name} is a codebook of preset {found}, the variants are to be {preset.value}: name another codebook or preset"
        )
    return card


def train_variant(
    store: ObjectStore, source: VersionFrames, codebook: str, settings: ImageAblationSettings, variant: str, repetition: int
) -> ImageRunCard:
    """Train one variant once, or find that it was trained; return the card of its run.

    Raises:
        BadInputError: no such codebook, or there is nothing to train on.
        BuildFailedError: the training diverged.
        StoreError: the store cannot be read or written.
    """
    changes = {"seed": repetition, "max_minutes": settings.max_minutes, "variant": variant}
    if settings.steps:
        changes["steps"] = settings.steps
    spec = preset_image_training(RunKind.VQIG, settings.preset, **changes)
    return train_images(store, source, generator_config(source.dataset, codebook, spec), settings.options).card


def _row(card: ImageRunCard, report: ImageEvaluationReport, variant: str, repetition: int) -> ImageAblationRun:
    figures = {name: report.figures[name] for name in _FIGURES}
    return ImageAblationRun(
        variant=variant, repetition=repetition, run=report.model, steps=card.steps, seconds=round(card.seconds, 1), **figures
    )
