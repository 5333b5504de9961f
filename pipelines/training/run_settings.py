"""Presets of trainings, and the full configuration of a run."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlowConfig, presets
from pipelines.training.coefficient_sequences import SequenceSource
from storage_schemas.training_runs import Preset, RunConfig, RunKind, TrainingSpec

TRAINING_VERSION = 2
"""Raise it when the same configuration would give other weights: finished runs are then not taken for new ones."""

_SMALL: dict[str, Any] = {"batch_windows": 64, "learning_rate": 1e-3, "warmup_steps": 200, "validate_every": 500}
_PAPER: dict[str, Any] = {
    "batch_windows": 128, "learning_rate": 5e-4, "warmup_steps": 1000, "average_decay": 0.999, "validate_every": 2000,
    "validation_windows": 512,
}  # fmt: skip
_POSE: dict[str, Any] = {"past_dropout": 0.0, "history_dropout": 0.1, "input_noise": 0.003}
_PRESETS: dict[tuple[RunKind, Preset], dict[str, Any]] = {
    (RunKind.EXPFLOW, Preset.TINY): {"steps": 600},
    (RunKind.POSEFLOW, Preset.TINY): {"steps": 250},
    (RunKind.EXPFLOW, Preset.SMALL): {"steps": 10_000, **_SMALL},
    (RunKind.POSEFLOW, Preset.SMALL): {"steps": 5_000, **_SMALL},
    (RunKind.EXPFLOW, Preset.PAPER): {"steps": 80_000, **_PAPER},
    (RunKind.POSEFLOW, Preset.PAPER): {"steps": 40_000, **_PAPER},
}


def preset_training(kind: RunKind, preset: Preset, **changes: Any) -> TrainingSpec:  # noqa: ANN401 - fields of the specification
    """Return the specification of a preset with some fields changed.

    Raises:
        pydantic.ValidationError: a field is unknown or out of range.
    """
    values: dict[str, Any] = {"preset": preset, **_PRESETS[kind, preset]}
    if kind is RunKind.POSEFLOW:
        values |= {"latent": "gaussian", **_POSE}
    return TrainingSpec(**(values | changes))


def run_config(kind: RunKind, source: SequenceSource, spec: TrainingSpec, **network: Any) -> RunConfig:  # noqa: ANN401 - fields of the network
    """Return the full configuration of a run.

    Args:
        kind: what is trained.
        source: what it is trained on; without sound the network has none either.
        spec: of the training.
        network: fields of `CoefficientFlowConfig` that differ from the preset.
    """
    config = presets(spec.preset.value, "expflow" if kind is RunKind.EXPFLOW else "poseflow")
    latent = spec.latent if kind is RunKind.EXPFLOW else "gaussian"
    config = replace(config, seed=spec.seed, latent=latent, has_audio=source.has_audio)
    return RunConfig(
        kind=kind, training_version=TRAINING_VERSION, dataset=source.dataset, training=spec, network=asdict(replace(config, **network))
    )


def network_config(config: RunConfig) -> CoefficientFlowConfig:
    """Return the network's part of a configuration."""
    return CoefficientFlowConfig(**config.network)
