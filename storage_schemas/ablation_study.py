"""An ablation study: which variants of which networks are trained on one dataset version and compared. One YAML file."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from storage_schemas.training_runs import Preset

REPORT_FILE = "ablation.json"


class ExpFlowVariant(StrEnum):
    """What the paper's figure 6 compares."""

    SMM = "SMM"
    GMM = "GMM"
    WITHOUT_DROPOUT = "SMM without data dropout"


VqigVariant = Literal["B", "B+W", "B+W+phi", "B+W+phi+M", "full"]
"""What the paper's figure 7 compares."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Part(_Settings):
    preset: Preset = Field(Preset.TINY, description="Sizes of the networks")
    steps: int = Field(0, ge=0, description="Optimiser steps of each training; 0: those of the preset")
    max_minutes: float = Field(0.0, ge=0, description="Wall-clock cap of each training; 0: none")
    repetitions: int = Field(1, ge=1, le=20, description="Trainings of each variant, with other seeds")


class ExpFlowAblation(_Part):
    """Trainings of ExpFlow."""

    variants: list[ExpFlowVariant] = Field(list(ExpFlowVariant), min_length=1, description="Which are trained")
    clips: int = Field(16, ge=1, description="Most held-out clips of which samples are drawn, for lip-sync, emotion and diversity")
    samples: int = Field(4, ge=2, description="Samples of each of these clips")


class VqigAblation(_Part):
    """Trainings of the image generator, all on one codebook."""

    variants: list[VqigVariant] = Field(["B", "B+W", "B+W+phi", "B+W+phi+M", "full"], min_length=1, description="Which are trained")
    codebook: str = Field("codebook/latest", description="Run whose codes all variants have")
    split: str = Field("validation", description="Clips that are compared are of it; several with commas between")
    clips: int = Field(16, ge=1, description="Most clips that are compared")
    frames: int = Field(100, ge=1, description="Most frames of each clip that are compared")


class AblationStudy(_Settings):
    """The paper's ablation studies; a part that is null is left out."""

    name: str = Field("ablation", pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$", description="Title of the report")
    expflow: ExpFlowAblation | None = ExpFlowAblation()
    vqig: VqigAblation | None = VqigAblation()

    @model_validator(mode="after")
    def _compares_something(self) -> AblationStudy:
        if self.expflow is None and self.vqig is None:
            raise ValueError("expflow and vqig are both null: there is nothing to compare")
        for part in (self.expflow, self.vqig):
            if part is not None and len(set(part.variants)) < len(part.variants):
                raise ValueError("a variant is there twice")
        return self

    @property
    def trainings(self) -> int:
        """How many trainings there are."""
        return sum(part.repetitions * len(part.variants) for part in (self.expflow, self.vqig) if part is not None)
