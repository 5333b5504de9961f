from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipelines.models.published.syncnet import SyncNet
from pipelines.video_evaluation.published_weights import load_syncnet, weights_sha256
from storage_schemas.errors import BadInputError


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {name: tensor.clone() for name, tensor in SyncNet().state_dict().items()}


def saved(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    save_file(tensors, tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def test_weights_that_fit_are_loaded_whatever_they_were_wrapped_in(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    path = saved(tmp_path, {f"module.{name}": tensor for name, tensor in weights.items() if "num_batches" not in name})
    network = load_syncnet(path)

    assert not network.training
    assert torch.equal(network.state_dict()["netfclip.3.weight"], weights["netfclip.3.weight"])
    assert len(weights_sha256(path)) == 64


def test_weights_that_do_not_fit_say_what_is_wrong(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    name = "netcnnlip.0.weight"
    for changed, words in (
        ({key: value for key, value in weights.items() if key != name}, f"lacks {name}"),
        ({**weights, "extra.weight": torch.zeros(1)}, "unknown extra.weight"),
        ({**weights, name: torch.zeros(2, 2)}, r"shape \(96, 3, 5, 7, 7\), has \(2, 2\)"),
        ({**weights, name: torch.full((96, 3, 5, 7, 7), torch.nan)}, "no numbers"),
    ):
        with pytest.raises(BadInputError, match=words):
            load_syncnet(saved(tmp_path, changed))


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "syncnet_v2.model"
    path.write_bytes(b"anything")

    with pytest.raises(BadInputError, match=r"expected a \.safetensors file"):
        load_syncnet(path)
    (tmp_path / "broken.safetensors").write_bytes(b"anything")
    with pytest.raises(BadInputError, match="cannot be read as safetensors"):
        load_syncnet(tmp_path / "broken.safetensors")
    with pytest.raises(BadInputError, match="cannot be read"):
        weights_sha256(tmp_path / "missing")
