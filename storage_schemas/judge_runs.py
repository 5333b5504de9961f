"""Runs of the judges, the lip-sync expert and the emotion judge; their folders are those of `training_runs`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.identifiers import Emotion
from storage_schemas.training_runs import EMOTIONS, RUN_FORMAT, CommonCard, Preset, RunKind

JUDGED_EMOTIONS: tuple[str, ...] = tuple(emotion for emotion in EMOTIONS if emotion != Emotion.UNLABELLED.value)
"""The emotions that are told apart, in the order of the judge's probabilities."""


class JudgeTrainingSpec(BaseModel):
    """Every choice that decides the weights that come out of a training of a judge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Preset = Preset.TINY
    steps: int = Field(300, ge=1, description="Optimiser steps")
    max_minutes: float = Field(
        0.0, ge=0, description="Wall-clock cap; where it would bind, the learning rate is annealed to its end; 0: none"
    )
    seed: int = Field(0, ge=0, lt=2**32)
    batch_windows: int = Field(8, ge=1, description="Windows of clips in a batch, over all devices")
    window_frames: int = Field(
        32,
        ge=1,
        description="sync: frames of a window, each compared at every offset; emotion: length of the window that frames are drawn from",
    )
    frames: int = Field(3, ge=1, description="emotion: frames that are drawn of a window")
    learning_rate: float = Field(2e-3, gt=0, description="Largest learning rate")
    warmup_steps: int = Field(20, ge=0, description="Steps over which the learning rate rises from 0")
    final_learning_rate_share: float = Field(0.02, ge=0, le=1, description="Where the cosine ends, as a share of the largest")
    weight_decay: float = Field(0.05, ge=0, description="AdamW's, of matrices and kernels; vectors have none")
    gradient_norm: float = Field(5.0, gt=0, description="Gradients are scaled down to this norm")
    average_decay: float = Field(0.98, ge=0, lt=1, description="Of the averaged weights (EMA), which are the ones that are used")
    shift: float = Field(0.06, ge=0, le=0.25, description="Windows are moved by up to this share of their side")
    turn: float = Field(0.06, ge=0, description="and turned and scaled by up to this many radians and shares")
    stretch: float = Field(0.0, ge=0, le=0.3, description="and made wider or narrower by up to this share")
    blur_share: float = Field(0.3, ge=0, le=1, description="Share of windows that are blurred to half their resolution")
    noise: float = Field(0.05, ge=0, description="Noise on pictures, in their standard deviations, and on log-mel")
    hidden_share: float = Field(0.3, ge=0, le=1, description="emotion: share of frames of which a square is hidden")
    mel_gain: float = Field(0.5, ge=0, description="sync: largest change of level of a window's log-mel, in its units (12.5 dB)")
    mel_mask_bins: int = Field(10, ge=0, description="sync: widest run of mel bins that is hidden")
    neighbour_share: float = Field(0.1, ge=0, le=0.5, description="sync: how much the offsets of one frame either way count as right, each")
    whole_window_weight: float = Field(
        1.0, ge=0, description="sync: weight of the loss of a whole window's offset, beside that of each frame's"
    )
    dropout: float = Field(0.3, ge=0, lt=1, description="emotion: share of features that are hidden from the last layers")
    label_smoothing: float = Field(0.1, ge=0, lt=1, description="emotion: share of the target that is spread over all emotions")
    shuffled_labels: bool = Field(False, description="emotion: train on labels that were dealt anew among the clips, as a control")
    validate_every: int = Field(100, ge=1, description="Steps between validations")
    validation_clips: int = Field(32, ge=1, description="Clips of the validation split that are looked at")
    precision: Literal["32-true", "bf16-mixed"] = Field("32-true", description="bf16-mixed: convolutions and products in bfloat16")


class JudgeRunConfig(BaseModel):
    """The `config.json` of a run: its id is a hash of this."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = RUN_FORMAT
    kind: RunKind
    training_version: int = Field(description="version of the training code")
    dataset: str = Field(description="id of the dataset version")
    training: JudgeTrainingSpec
    network: dict[str, Any] = Field(description="every size and choice of the network")


class JudgeRunCard(CommonCard):
    """The card of a judge."""

    config: JudgeRunConfig
    validation: dict[str, float] | None = Field(description="of the kept weights on clips of the validation split; null: it has none")

    def lines(self) -> list[str]:
        """Return the card as lines for a terminal."""
        return self.card_lines(self.config.training.preset, "", self.validation)
