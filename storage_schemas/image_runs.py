"""Runs of the texture codebook and of the image generator; their folders are those of `training_runs`, with samples.png besides.

runs/<kind>/<run_id>/samples.png       pictures of validation frames: asked for, made
runs/vqig/<run_id>/statistics.safetensors  mean and stddev (70,) of the training clips' coefficients
parts/codes/<xx>/<key>/                cached target codes: codes.safetensors and, written last, codes.json
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from storage_schemas.training_runs import RUN_FORMAT, CommonCard, Preset, RunKind

SAMPLES_FILE = "samples.png"
CODES_FILE, CODES_INDEX_FILE = "codes.safetensors", "codes.json"
NO_VGG19 = "gradients"
"""What `ImageRunConfig.perceptual` says without weights of VGG19."""


class ImageTrainingSpec(BaseModel):
    """Every choice that decides the weights that come out of a training of the codebook or of the image generator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: Preset = Preset.TINY
    steps: int = Field(1000, ge=1, description="Optimiser steps")
    max_minutes: float = Field(
        0.0, ge=0, description="Wall-clock cap; where it would bind, the learning rate is annealed to its end; 0: none"
    )
    seed: int = Field(0, ge=0, lt=2**32)
    batch_frames: int = Field(4, ge=1, description="Frames in a batch, over all devices")
    learning_rate: float = Field(2.5e-3, gt=0, description="Largest learning rate")
    warmup_steps: int = Field(20, ge=0, description="Steps over which the learning rate rises from 0")
    final_learning_rate_share: float = Field(0.02, ge=0, le=1, description="Where the cosine ends, as a share of the largest")
    weight_decay: float = Field(0.0, ge=0, description="AdamW's, of matrices and kernels; vectors have none")
    gradient_norm: float = Field(1.0, gt=0, description="Gradients are scaled down to this norm")
    average_decay: float = Field(0.99, ge=0, lt=1, description="Of the averaged weights (EMA), which are the ones that are used")
    window_iods: float = Field(
        2.4, ge=0, description="Side of the still window that is cut out of a clip's crop, in inter-ocular distances; 0: the whole crop"
    )
    region_weight: float = Field(3.0, ge=1, description="How often eyes and mouth count in picture errors, against 1 elsewhere")
    unquantised_steps: int = Field(40, ge=0, description="codebook: first steps, without codes; then these start at cluster centres")
    codes_rate_factor: float = Field(4.0, gt=0, description="codebook: learning rate of the codes, times that of the networks")
    revive_every: int = Field(20, ge=1, description="codebook: steps between moving unused codes to where latents are")
    revive_share: float = Field(0.7, ge=0, le=1, description="codebook: share of the steps in which that is done")
    adversarial_share: float = Field(0.0, ge=0, le=1, description="Last share of the steps in which the discriminator takes part; 0: none")
    warp_rate_factor: float = Field(0.2, gt=0, description="vqig: learning rate of warping network and blending, times that of the others")
    code_share: float = Field(0.15, ge=0, le=1, description="vqig: first share of the steps, at the level of codes alone")
    code_weight: float = Field(0.5, ge=0, description="vqig: weight of the cross-entropy of codes there")
    late_code_weight: float = Field(0.05, ge=0, description="vqig: its weight afterwards, when pictures count too")
    closed_eyes_share: float = Field(0.3, ge=0, le=1, description="vqig: share of the frames that are drawn among those with closed eyes")
    open_mouth_share: float = Field(
        0.25, ge=0, le=1, description="vqig: share of the frames that are drawn among those with the mouth wide open"
    )
    other_clip_share: float = Field(0.1, ge=0, le=1, description="vqig: share of portraits from another clip of the speaker")
    variant: Literal["B", "B+W", "B+W+phi", "B+W+phi+M", "full"] = Field("full", description="vqig: row of the paper's ablation")
    bootstrap: bool = Field(True, description="vqig: motion starts from the face model's, where the variant has a warp")
    keep: Literal["last", "best"] = Field("last", description="best: the averaged weights with the least validation error")
    validate_every: int = Field(250, ge=1, description="Steps between validations")
    validation_frames: int = Field(96, ge=1, description="Frames of the validation split that are looked at")
    precision: Literal["32-true", "bf16-mixed"] = Field("bf16-mixed", description="bf16-mixed: convolutions and products in bfloat16")

    @model_validator(mode="after")
    def _rare_frames_fit_a_batch(self) -> Self:
        if self.closed_eyes_share + self.open_mouth_share > 1:
            raise ValueError(
                f"closed_eyes_share {self.closed_eyes_share} and open_mouth_share {self.open_mouth_share} are shares of the same frames; "
                "lower them to 1 together"
            )
        return self


class ImageRunConfig(BaseModel):
    """The `config.json` of a run: its id is a hash of this."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = RUN_FORMAT
    kind: RunKind
    training_version: int = Field(description="version of the training code")
    dataset: str = Field(description="id of the dataset version")
    codebook: str = Field("", description="vqig: id of the codebook's run")
    perceptual: str = Field(NO_VGG19, description="gradients, or vgg19: and the SHA-256 of its weights")
    training: ImageTrainingSpec
    network: dict[str, Any] = Field(description="every size and choice of the network")


class ImageRunCard(CommonCard):
    """The card of the codebook or of the image generator."""

    config: ImageRunConfig
    face_model: str = Field(description="id of the face model of the version's coefficients")
    codebook: str = Field("", description="vqig: id of the codebook's run")
    perceptual: str = Field(description="which perceptual distance it was trained with")
    adversarial: str = Field(description="whether, and from which step, a discriminator took part")
    kept_step: int = Field(description="step whose averaged weights were kept")
    validation: dict[str, float] | None = Field(
        description="of the kept weights on frames of the validation split; null: it has none. Decibels are PSNR of all frames together"
    )

    def lines(self) -> list[str]:
        """Return the card as lines for a terminal."""
        codebook = f", codebook {self.codebook}" if self.codebook else ""
        taught = f"perceptual: {self.perceptual}; adversarial: {self.adversarial}"
        return self.card_lines(self.config.training.preset, f", face model {self.face_model}{codebook}", self.validation, taught)


class CodesIndex(BaseModel):
    """The `codes.json` of cached target codes, written last: its presence means that they are whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = RUN_FORMAT
    frames_part: str = Field(description="key of the frames part")
    codebook: str = Field(description="id of the codebook's run")
    codebook_sha256: str = Field(description="of its weights")
    window_iods: float = Field(description="see ImageTrainingSpec")
    precision: str = Field(description="see ImageTrainingSpec")
    clips: dict[str, int] = Field(description="clip key and number of frames, in the order of the rows")
    sha256: str = Field(description="of codes.safetensors")


def codes_path(key: str) -> str:
    """Return the folder of cached target codes relative to the store."""
    return f"parts/codes/{key[:2]}/{key}"
