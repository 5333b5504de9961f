"""Presets of trainings, and the full configuration of a run."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
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

_SOURCES = ("models/normalizing_flow", "blinks", "training")
_SOFTWARE = ("torch", "lightning", "numpy")


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


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the version of the package, and 12 digits of the hash of the sources of networks and training."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted((root / folder).glob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{package_version()}+{digest.hexdigest()[:12]}"


def package_version() -> str:
    """Return the version of this package; empty if it is not installed."""
    return _installed("flowvqtalker")


def software_versions() -> dict[str, str]:
    """Return the versions of the libraries that decide the weights."""
    return {name: _installed(name) for name in _SOFTWARE}


def _installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
