from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipelines.models.image_codebook.perceptual import Vgg19Distance, _vgg19_features
from pipelines.training.images.perceptual_weights import load_perceptual, perceptual_identity
from storage_schemas.errors import BadInputError


def test_without_a_file_gradients_count() -> None:
    assert perceptual_identity("") == "gradients"
    assert "no VGG19" in load_perceptual("").name


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_of_a_file(tmp_path: Path, suffix: str) -> None:
    weights = {f"features.{name}": value.clone() for name, value in _vgg19_features().state_dict().items()}
    path = tmp_path / f"vgg19{suffix}"
    if suffix == ".pth":
        torch.save(weights, path)
    else:
        save_file(weights, path)
    assert isinstance(load_perceptual(str(path)), Vgg19Distance)
    assert perceptual_identity(str(path)).startswith("vgg19:")


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(b"nothing")
    with pytest.raises(BadInputError, match="expected torchvision's vgg19"):
        load_perceptual(str(tmp_path / "x.pth"))
    save_file({"a": torch.zeros(1)}, tmp_path / "y.safetensors")
    with pytest.raises(BadInputError, match="missing or of another shape"):
        load_perceptual(str(tmp_path / "y.safetensors"))
    with pytest.raises(BadInputError, match="cannot be read"):
        perceptual_identity(str(tmp_path / "none"))
