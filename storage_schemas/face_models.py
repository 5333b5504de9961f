"""Stored face models: ``face_models/<id>/model.safetensors`` and, written last, ``card.json``; ``face_models/current.json`` names one."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

FACE_MODELS_FOLDER = "face_models"
FACE_MODEL_FILE = "model.safetensors"
FACE_MODEL_CARD_FILE = "card.json"
CURRENT_FACE_MODEL = f"{FACE_MODELS_FOLDER}/current.json"


class FaceModelCard(BaseModel):
    """What a face model is and what it was learned from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    face_model: str = Field(description="id: source, dash and 16 hex digits of the hash of the model's content")
    recipe: str = Field(description="64 hex digits: hash of parents, speakers, settings and versions")
    parents: list[str] = Field(description="keys of the landmarks parts it was learned from, in order")
    learning_version: int = Field(description="version of the learning code")
    settings: dict[str, Any] = Field(description="settings of learning")
    software: dict[str, str] = Field(description="versions of the libraries that decide its bytes")
    frames: int = Field(description="frames it was learned from")
    frames_left_out: int = Field(description="frames without a face, or turned too far")
    speakers: int
    expression_variance_64: float = Field(description="share of the variance of aligned landmarks that the expression modes explain")
    held_out_error_percent_iod: float | None = Field(
        description="RMS image distance of clips left out from the modes of the others, % of the inter-ocular distance; null: too few"
    )
    sha256: str = Field(description="SHA-256 of model.safetensors")
    size_bytes: int = Field(description="its size")


class CurrentFaceModel(BaseModel):
    """The model that builds with the policy `reuse` take if it was learned with their settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    face_model: str
