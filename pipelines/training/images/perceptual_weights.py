"""Weights of VGG19 for the perceptual distance, from a file that the user has."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from pipelines.models.image_codebook.perceptual import PerceptualDistance, perceptual_distance
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import file_sha256
from storage_schemas.image_runs import NO_VGG19


def perceptual_identity(path: str) -> str:
    """Return what a run's configuration says of the perceptual distance: without a file, `NO_VGG19`.

    Raises:
        BadInputError: the file cannot be read.
    """
    if not path:
        return NO_VGG19
    try:
        return f"vgg19:{file_sha256(Path(path))}"
    except OSError as error:
        raise BadInputError(f"--vgg19 {path}: cannot be read ({error}); give torchvision's vgg19 weights, .safetensors or .pth") from error


def load_perceptual(path: str) -> PerceptualDistance:
    """Return the perceptual distance by a file of weights, or the one that needs none.

    Raises:
        BadInputError: the file holds no weights of torchvision's vgg19.
    """
    if not path:
        return perceptual_distance(None)
    try:
        weights: dict[str, Tensor] = (
            load_file(path) if path.endswith(".safetensors") else torch.load(path, map_location="cpu", weights_only=True)
        )
        return perceptual_distance(weights)
    except Exception as error:  # whatever unsuitable bytes make of the readers
        raise BadInputError(f"--vgg19 {path}: expected torchvision's vgg19 weights, .safetensors or .pth ({error})") from error
