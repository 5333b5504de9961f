"""Presets of the trainings of judges, and the full configuration of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipelines.judging.loading import network_fields
from pipelines.models.emotion_classifier.settings import emotion_classifier_preset
from pipelines.models.sync_expert.settings import sync_expert_preset
from storage_schemas.judge_runs import JudgeRunConfig, JudgeTrainingSpec
from storage_schemas.training_runs import Preset, RunKind

JUDGE_TRAINING_VERSION = 1
"""Raise it when the same configuration would give other weights: finished runs are then not taken for new ones."""

_SMALL: dict[str, Any] = {
    "batch_windows": 32, "learning_rate": 1e-3, "warmup_steps": 200, "average_decay": 0.998, "validate_every": 500, "validation_clips": 64,
}  # fmt: skip
_PAPER: dict[str, Any] = {
    "batch_windows": 64, "learning_rate": 5e-4, "warmup_steps": 500, "average_decay": 0.999, "validate_every": 2000,
    "validation_clips": 128, "precision": "bf16-mixed",
}  # fmt: skip
_PRESETS: dict[tuple[RunKind, Preset], dict[str, Any]] = {
    (RunKind.SYNC, Preset.TINY): {"steps": 150},
    (RunKind.EMOTION, Preset.TINY): {
        "steps": 400, "batch_windows": 16, "learning_rate": 6e-3, "turn": 0.1, "stretch": 0.1, "hidden_share": 0.1, "dropout": 0.1,
        "blur_share": 0.1, "label_smoothing": 0.05,
    },
    (RunKind.SYNC, Preset.SMALL): {"steps": 10_000, **_SMALL},
    (RunKind.EMOTION, Preset.SMALL): {"steps": 6_000, **_SMALL},
    (RunKind.SYNC, Preset.PAPER): {"steps": 100_000, **_PAPER},
    (RunKind.EMOTION, Preset.PAPER): {"steps": 40_000, **_PAPER},
}  # fmt: skip


def preset_judge_training(kind: RunKind, preset: Preset, **changes: Any) -> JudgeTrainingSpec:  # noqa: ANN401 - fields of the specification
    """Return the specification of a preset with some fields changed.

    Raises:
        pydantic.ValidationError: a field is unknown or out of range.
    """
    return JudgeTrainingSpec(**({"preset": preset, **_PRESETS[kind, preset]} | changes))


def judge_config(kind: RunKind, dataset: str, spec: JudgeTrainingSpec, **network: Any) -> JudgeRunConfig:  # noqa: ANN401 - fields of the network
    """Return the full configuration of a run.

    Args:
        kind: sync or emotion.
        dataset: id of the version.
        spec: of the training.
        network: fields of the network's settings that differ from the preset.
    """
    preset = sync_expert_preset(spec.preset) if kind is RunKind.SYNC else emotion_classifier_preset(spec.preset)
    return JudgeRunConfig(
        kind=kind,
        training_version=JUDGE_TRAINING_VERSION,
        dataset=dataset,
        training=spec,
        network=network_fields(replace(preset, **network)),
    )
