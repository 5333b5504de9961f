"""Training runs: what was asked for, what is stored while a network is trained, and the card of a finished run.

runs/<kind>/<run_id>/config.json                     RunConfig, written first
runs/<kind>/<run_id>/statistics.safetensors          what the training clips are like: means, ranges, blinks taken out
runs/<kind>/<run_id>/checkpoints/step-000000/        model, average, best and optimiser .safetensors and, written last, state.json
runs/<kind>/<run_id>/events/                         TensorBoard
runs/<kind>/<run_id>/curves.png                      losses against steps
runs/<kind>/<run_id>/weights.safetensors             the network that is used
runs/<kind>/<run_id>/latents.safetensors             latent codes of training frames
runs/<kind>/<run_id>/blinks.json                     blinks of the training clips (ExpFlow)
runs/<kind>/<run_id>/card.json                       RunCard, written last: a run without it is not finished
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.identifiers import Emotion

RUN_FORMAT = 1
RUN_ID_DIGITS = 16
RUNS_FOLDER = "runs"
CONFIG_FILE = "config.json"
CARD_FILE = "card.json"
STATE_FILE = "state.json"
CHECKPOINTS_FOLDER = "checkpoints"
EVENTS_FOLDER = "events"
WEIGHTS_FILE = "weights.safetensors"
STATISTICS_FILE = "statistics.safetensors"
LATENTS_FILE = "latents.safetensors"
BLINKS_FILE = "blinks.json"
CURVES_FILE = "curves.png"

EMOTIONS: tuple[str, ...] = tuple(sorted(emotion.value for emotion in Emotion))
"""The emotion labels in the order of the networks' emotion weights; clips without a label are "unlabelled"."""


class RunKind(StrEnum):
    """What a run trains."""

    EXPFLOW = "expflow"
    POSEFLOW = "poseflow"
    CODEBOOK = "codebook"
    VQIG = "vqig"
    SYNC = "sync"
    EMOTION = "emotion"


COEFFICIENT_KINDS = (RunKind.EXPFLOW, RunKind.POSEFLOW)
"""What draws coefficients; cards are `RunCard`."""
IMAGE_KINDS = (RunKind.CODEBOOK, RunKind.VQIG)
"""What makes pictures; cards are `image_runs.ImageRunCard`."""
JUDGE_KINDS = (RunKind.SYNC, RunKind.EMOTION)
"""What judges videos; cards are `judge_runs.JudgeRunCard`."""


class Preset(StrEnum):
    """Sizes of networks and trainings."""

    TINY = "tiny"
    SMALL = "small"
    PAPER = "paper"


class TrainingSpec(BaseModel):
    """Every choice that decides the weights that come out of a training of ExpFlow or PoseFlow."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Preset = Preset.TINY
    steps: int = Field(600, ge=1, description="Optimiser steps")
    max_minutes: float = Field(
        0.0, ge=0, description="Wall-clock cap; where it would bind, the learning rate is annealed to its end; 0: none"
    )
    seed: int = Field(0, ge=0, lt=2**32)
    batch_windows: int = Field(32, ge=1, description="Windows in a batch, over all devices")
    window_frames: int = Field(32, ge=2, description="Target frames of a window")
    learning_rate: float = Field(2e-3, gt=0, description="Largest learning rate")
    warmup_steps: int = Field(50, ge=0, description="Steps over which the learning rate rises from 0")
    final_learning_rate_share: float = Field(0.02, ge=0, le=1, description="Where the cosine ends, as a share of the largest")
    weight_decay: float = Field(0.01, ge=0, description="AdamW's, of matrices; vectors have none")
    gradient_norm: float = Field(5.0, gt=0, description="Gradients are scaled down to this norm")
    average_decay: float = Field(0.995, ge=0, lt=1, description="Of the averaged weights (EMA), which are the ones that are used")
    past_dropout: float = Field(0.4, ge=0, le=1, description="Share of past frames that are hidden from the context")
    history_dropout: float = Field(0.15, ge=0, le=1, description="Share of frames whose whole history is hidden from the context")
    input_noise: float = Field(0.1, ge=0, description="Noise on past frames and source, in normalised units")
    mel_gain: float = Field(0.5, ge=0, description="Largest change of level of a window's log-mel, in its units (12.5 dB)")
    mel_time_mask_columns: int = Field(4, ge=0, description="Widest run of log-mel columns that is hidden")
    mel_frequency_mask_bins: int = Field(10, ge=0, description="Widest run of mel bins that is hidden")
    consistency_weight: float = Field(0.0, ge=0, description="Weight of the consistency loss (paper, Eq. 11)")
    consistency_windows: int = Field(8, ge=1, description="Windows of each batch that the consistency loss is taken of")
    latent: Literal["student_t", "gaussian"] = Field("student_t", description="ExpFlow's mixture; PoseFlow is always gaussian")
    remove_blinks: bool = Field(True, description="ExpFlow: take blinks out of the expressions; sampling puts others in")
    scale_floor: float = Field(
        0.05, ge=0, le=1, description="Noise of trailing components is not blown up: floor of scales as a share of the largest"
    )
    keep: Literal["last", "best"] = Field("last", description="best: the averaged weights with the best validation likelihood")
    validate_every: int = Field(100, ge=1, description="Steps between validations")
    validation_windows: int = Field(128, ge=1, description="Windows of the validation split that are looked at")
    precision: Literal["32-true", "bf16-mixed"] = Field(
        "32-true", description="bf16-mixed: the audio encoder alone; the flow's own arithmetic is float32 always"
    )


class RunConfig(BaseModel):
    """The `config.json` of a run: its id is a hash of this."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = RUN_FORMAT
    kind: RunKind
    training_version: int = Field(description="version of the training code")
    dataset: str = Field(description="id of the dataset version, or imported- and a hash of imported files")
    training: TrainingSpec
    network: dict[str, Any] = Field(description="every size and choice of the network")


class TrainingState(BaseModel):
    """The `state.json` of a checkpoint, written last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int = Field(ge=0, description="optimiser steps that are done")
    seconds: float = Field(ge=0, description="spent on steps so far, over all sittings")
    best_step: int = Field(0, ge=0, description="step of the best validation; 0: none yet")
    best_validation: float | None = Field(None, description="its negative log-likelihood per dimension")
    curves: dict[str, list[tuple[int, float]]] = Field(default_factory=dict, description="step and value of each figure")
    sha256: dict[str, str] = Field(default_factory=dict, description="of the checkpoint's files")


class CommonCard(BaseModel):
    """What the cards of all finished runs say: where a run comes from, what it was made with and how it went."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = RUN_FORMAT
    run_id: str = Field(description="RUN_ID_DIGITS hex digits: hash of the configuration")
    kind: RunKind
    dataset: str = Field(description="id of the dataset version, or imported- and a hash of imported files")
    parents: list[str] = Field(description="what it was made from, as paths relative to the store")
    code_version: str = Field(description="version of the package and hash of the sources of networks and training")
    software: dict[str, str] = Field(description="versions of the libraries that decide the weights")
    device: str
    threads: int = Field(description="processor threads that were used")
    parameters: int = Field(description="number of trained parameters")
    clips: dict[str, int] = Field(description="clips by split")
    frames: dict[str, int] = Field(description="frames by split")
    steps: int = Field(description="optimiser steps that were done")
    stopped_by_time: bool = Field(description="the wall-clock cap ended it before its steps were done")
    seconds: float = Field(description="spent on steps, over all sittings")
    steps_per_second: float
    losses: dict[str, float] = Field(description="mean over the last steps of each part of the training loss")
    weights_sha256: str
    created: str = Field(description="UTC time; information only")

    def card_lines(self, preset: Preset, sources: str, validation: dict[str, float] | None, *more: str) -> list[str]:
        """Return the card as lines for a terminal.

        Args:
            preset: of the training.
            sources: what it was made from besides the dataset version, after a comma; may be empty.
            validation: figures of the kept weights; None: no clips to validate with.
            more: lines after that of the steps.
        """
        early = ", stopped by time" if self.stopped_by_time else ""
        return [
            f"{self.kind.value}/{self.run_id} ({preset.value}, {self.parameters:,} parameters)",
            f"  dataset {self.dataset}{sources}",
            f"  {self.steps} steps in {self.seconds:.1f} s ({self.steps_per_second:.1f} steps/s on {self.device}{early})",
            *(f"  {line}" for line in more),
            f"  training {_figures(self.losses)}",
            f"  validation {'no validation clips' if validation is None else _figures(validation)}",
        ]


class RunCard(CommonCard):
    """The card of ExpFlow or PoseFlow."""

    config: RunConfig
    face_model: str = Field(description="id of the face model whose coefficients it was trained on; empty: unknown")
    kept_step: int = Field(description="step whose averaged weights were kept")
    validation: dict[str, float] | None = Field(
        description="of the kept weights: negative log-likelihood per dimension in raw and normalised units; null: no validation clips"
    )

    def lines(self) -> list[str]:
        """Return the card as lines for a terminal."""
        return self.card_lines(self.config.training.preset, f", face model {self.face_model or 'unknown'}", self.validation)


def _figures(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in values.items())


def run_folder(kind: RunKind, run_id: str) -> str:
    """Return the folder of a run relative to the store."""
    return f"{RUNS_FOLDER}/{kind.value}/{run_id}"
