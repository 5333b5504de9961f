"""Presets of the trainings of codebook and image generator, and the full configuration of a run."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from pipelines.models.image_generator.settings import GeneratorSettings, Variant
from pipelines.models.image_presets import image_preset
from pipelines.training.images.perceptual_weights import perceptual_identity
from pipelines.training.images.version_frames import VersionFrames
from pipelines.training.run_folder import resolve_card
from storage_schemas.errors import BadInputError
from storage_schemas.image_runs import NO_VGG19, ImageRunCard, ImageRunConfig, ImageTrainingSpec
from storage_schemas.training_runs import Preset, RunKind

IMAGE_TRAINING_VERSION = 3
"""Raise it when the same configuration would give other weights: finished runs are then not taken for new ones."""

_SMALL: dict[str, Any] = {
    "batch_frames": 16, "learning_rate": 1e-3, "warmup_steps": 100, "average_decay": 0.998, "window_iods": 3.0, "adversarial_share": 0.5,
    "validate_every": 1000, "validation_frames": 128, "unquantised_steps": 100,
}  # fmt: skip
_PAPER: dict[str, Any] = {
    "batch_frames": 8, "learning_rate": 3e-4, "warmup_steps": 500, "average_decay": 0.999, "window_iods": 0.0, "adversarial_share": 0.7,
    "validate_every": 5000, "validation_frames": 128, "unquantised_steps": 500, "revive_every": 100,
}  # fmt: skip
_PRESETS: dict[tuple[RunKind, Preset], dict[str, Any]] = {
    (RunKind.CODEBOOK, Preset.TINY): {"steps": 1900, "validate_every": 950},
    (RunKind.VQIG, Preset.TINY): {
        "steps": 900,
        "validate_every": 900,
        "region_weight": 6.0,
        "warp_rate_factor": 0.3,
        "code_share": 0.08,
        "late_code_weight": 0.0,
    },
    (RunKind.CODEBOOK, Preset.SMALL): {"steps": 8_000, **_SMALL},
    (RunKind.VQIG, Preset.SMALL): {"steps": 6_000, **_SMALL},
    (RunKind.CODEBOOK, Preset.PAPER): {"steps": 200_000, **_PAPER},
    (RunKind.VQIG, Preset.PAPER): {"steps": 200_000, **_PAPER},
}


def preset_image_training(kind: RunKind, preset: Preset, **changes: Any) -> ImageTrainingSpec:  # noqa: ANN401 - fields of the specification
    """Return the specification of a preset with some fields changed.

    Raises:
        pydantic.ValidationError: a field is unknown or out of range.
    """
    return ImageTrainingSpec(**({"preset": preset, **_PRESETS[kind, preset]} | changes))


def codebook_config(dataset: str, spec: ImageTrainingSpec, perceptual: str = NO_VGG19, **network: Any) -> ImageRunConfig:  # noqa: ANN401
    """Return the full configuration of a codebook's run.

    Args:
        dataset: id of the version.
        spec: of the training.
        perceptual: see `ImageRunConfig`.
        network: fields of `CodebookSettings` that differ from the preset.
    """
    sizes = replace(image_preset(spec.preset.value).codebook, **network)
    return _config(RunKind.CODEBOOK, dataset, spec, perceptual, "", asdict(sizes))


def generator_config(
    dataset: str,
    codebook: str,
    spec: ImageTrainingSpec,
    perceptual: str = NO_VGG19,
    **network: Any,  # noqa: ANN401 - fields of the network
) -> ImageRunConfig:
    """Return the full configuration of an image generator's run.

    Args:
        dataset: id of the version.
        codebook: id of its run.
        spec: of the training; variant and bootstrap are settings of the network.
        perceptual: see `ImageRunConfig`.
        network: fields of `GeneratorSettings` that differ from the preset.
    """
    sizes = replace(ablated(image_preset(spec.preset.value).generator, spec), **network)
    return _config(RunKind.VQIG, dataset, spec, perceptual, codebook, asdict(sizes))


def ablated(sizes: GeneratorSettings, spec: ImageTrainingSpec) -> GeneratorSettings:
    """Return the settings of a row of the ablation: what needs a warp goes with it."""
    variant = Variant(spec.variant)
    warped = variant.has(Variant.WARPED)
    return replace(sizes, variant=variant, bootstrap=sizes.bootstrap and warped and spec.bootstrap, blend=sizes.blend and warped)


def _config(
    kind: RunKind, dataset: str, spec: ImageTrainingSpec, perceptual: str, codebook: str, network: dict[str, Any]
) -> ImageRunConfig:
    return ImageRunConfig(
        kind=kind, training_version=IMAGE_TRAINING_VERSION, dataset=dataset, codebook=codebook, perceptual=perceptual, training=spec,
        network=network,
    )  # fmt: skip


def asked_config(kind: RunKind, source: VersionFrames, spec: ImageTrainingSpec, codebook: str, vgg19: str) -> ImageRunConfig:
    """Return the configuration of a training that was asked for in words.

    Args:
        kind: codebook or vqig.
        source: the dataset version, in the store with the codebook's run.
        spec: of the training.
        codebook: run id, beginning of one, or latest; for the generator alone.
        vgg19: file with weights; empty: none.

    Raises:
        BadInputError: there is no such codebook, it is of another preset, or the file cannot be read.
    """
    perceptual = perceptual_identity(vgg19)
    if kind is RunKind.CODEBOOK:
        return codebook_config(source.dataset, spec, perceptual)
    card = resolve_card(source.store, codebook, (RunKind.CODEBOOK,), ImageRunCard)
    wanted, found = spec.preset.value, card.config.training.preset.value
    if wanted != found:
        raise BadInputError(f"codebook/{card.run_id} is of the preset {found}, the generator of {wanted}; name another with --codebook")
    return generator_config(source.dataset, card.run_id, spec, perceptual)
