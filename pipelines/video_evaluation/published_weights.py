"""Weights of published networks from files that the user has: safetensors, checked tensor by tensor. Pickles (.pth) are not opened."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pipelines.models.published.emotion_fan import EmotionFan
from pipelines.models.published.inception import FidInception
from pipelines.models.published.syncnet import SyncNet
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import file_sha256

NetworkT = TypeVar("NetworkT", bound=nn.Module)

_DOCUMENT = "docs/evaluation.md lists names and shapes"
_UNUSED = ("fc.", "AuxLogits.", "num_batches_tracked")
"""Tensors of published files that no metric needs."""
_SHOWN = 3


def load_inception(path: Path) -> FidInception:
    """Return FID's Inception with weights from a file; raises BadInputError if they do not fit."""
    return _loaded(FidInception(), path, "--fid-weights")


def load_syncnet(path: Path) -> SyncNet:
    """Return the published SyncNet likewise."""
    return _loaded(SyncNet(), path, "--syncnet-weights")


def load_emotion_fan(path: Path) -> EmotionFan:
    """Return the published emotion classifier likewise."""
    return _loaded(EmotionFan(), path, "--emotion-weights")


def weights_sha256(path: Path) -> str:
    """Return the SHA-256 of a weights file.

    Raises:
        BadInputError: it cannot be read.
    """
    try:
        return file_sha256(path)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read ({error}); give a file of weights") from error


def _loaded(network: NetworkT, path: Path, option: str) -> NetworkT:
    tensors = {name.removeprefix("module."): tensor for name, tensor in _read(path, option).items()}
    _check(network.state_dict(), tensors, f"{option} {path}")
    network.load_state_dict(tensors, strict=False)
    return network.eval().requires_grad_(requires_grad=False)


def _read(path: Path, option: str) -> dict[str, Tensor]:
    if path.suffix != ".safetensors":
        raise BadInputError(
            f"{option} {path}: expected a .safetensors file, found {path.suffix or 'no suffix'}; pickled weights (.pth, .model) can run"
            f" code when they are opened, so convert them on a machine where you trust them ({_DOCUMENT})"
        )
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise BadInputError(f"{option} {path}: cannot be read as safetensors ({error})") from error


def _check(expected: dict[str, Tensor], found: dict[str, Tensor], where: str) -> None:
    """Raise BadInputError if a tensor is missing, unknown, of another shape, or holds no number."""
    missing = sorted(name for name in expected if name not in found and not name.endswith(_UNUSED[-1]))
    unknown = sorted(name for name in found if name not in expected and not name.startswith(_UNUSED[:-1]))
    if missing or unknown:
        what = f"lacks {_listed(missing)}" if missing else f"has the unknown {_listed(unknown)}"
        raise BadInputError(f"{where}: {what}; these are weights of another network, or named otherwise ({_DOCUMENT})")
    for name, tensor in found.items():
        if name in expected and tensor.shape != expected[name].shape:
            raise BadInputError(
                f"{where}: {name} should have the shape {tuple(expected[name].shape)}, has {tuple(tensor.shape)} ({_DOCUMENT})"
            )
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise BadInputError(f"{where}: {name} holds values that are no numbers; the file is damaged")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
