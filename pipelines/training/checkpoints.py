"""Checkpoints: everything that a training needs to go on as if it had never been stopped, in safetensors and JSON."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from storage_schemas.errors import StoreError
from storage_schemas.identifiers import file_sha256
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.store_trouble import store_trouble
from storage_schemas.training_runs import CHECKPOINTS_FOLDER, STATE_FILE, TrainingState

KEPT = 2
"""Checkpoints of a run that stay while it goes on."""

TensorGroups = dict[str, dict[str, Tensor]]
"""The tensors of each file of a checkpoint, by the file's name without its suffix, e.g. "model"."""


def checkpoint_path(run: str, step: int) -> str:
    """Return the folder of a checkpoint relative to the store."""
    return f"{run}/{CHECKPOINTS_FOLDER}/step-{step:06d}"


def write_checkpoint(store: ObjectStore, run: str, state: TrainingState, groups: TensorGroups) -> None:
    """Publish a checkpoint, whole or not at all, and remove all but the last few before it.

    Raises:
        StoreError: the store cannot be written.
    """
    scratch = store.scratch_folder()
    try:
        folder = scratch / "checkpoint"
        with store_trouble("write", folder):
            folder.mkdir()
            for name, tensors in groups.items():
                save_file({key: tensor.detach().cpu().contiguous() for key, tensor in tensors.items()}, folder / f"{name}.safetensors")
            hashes = {path.name: file_sha256(path) for path in sorted(folder.iterdir())}
            whole = state.model_copy(update={"sha256": hashes})
            (folder / STATE_FILE).write_bytes(orjson.dumps(whole.model_dump(mode="json"), option=orjson.OPT_INDENT_2))
        store.publish_folder(folder, checkpoint_path(run, state.step), STATE_FILE)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for step in checkpoint_steps(store, run)[:-KEPT]:
        store.delete_folder(checkpoint_path(run, step))


def checkpoint_steps(store: ObjectStore, run: str) -> list[int]:
    """Return the steps of the whole checkpoints of a run, in order."""
    names = [name for name in store.list_folders(f"{run}/{CHECKPOINTS_FOLDER}") if name.removeprefix("step-").isdigit()]
    steps = sorted(int(name.removeprefix("step-")) for name in names)
    return [step for step in steps if store.exists(f"{checkpoint_path(run, step)}/{STATE_FILE}")]


def read_last_checkpoint(store: ObjectStore, run: str) -> tuple[TrainingState, TensorGroups] | None:
    """Return the last checkpoint of a run; None if it has none.

    Raises:
        StoreError: it is damaged.
    """
    steps = checkpoint_steps(store, run)
    return _read(store, checkpoint_path(run, steps[-1])) if steps else None


def _read(store: ObjectStore, path: str) -> tuple[TrainingState, TensorGroups]:
    remedy = "remove the folder to go on from the checkpoint before, or start over with --fresh"
    scratch = store.scratch_folder()
    try:
        store.fetch_folder(path, scratch / "checkpoint")
        state = TrainingState.model_validate_json((scratch / "checkpoint" / STATE_FILE).read_bytes())
        return state, {Path(name).stem: _tensors(scratch / "checkpoint" / name, digest) for name, digest in state.sha256.items()}
    except (ValidationError, ValueError, OSError) as error:
        raise StoreError(f"the checkpoint {store.uri}/{path} is damaged: {error}; {remedy}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    found = file_sha256(path)
    if found != sha256:
        raise ValueError(f"{path.name} should have SHA-256 {sha256}, it has {found}")
    return load_file(path)


def optimiser_tensors(optimiser: torch.optim.Optimizer, module: nn.Module) -> dict[str, Tensor]:
    """Return the state of an optimiser of a module's parameters as tensors named ``<parameter>/<name>``."""
    names: dict[Tensor, str] = {parameter: name for name, parameter in module.named_parameters()}
    return {f"{names[parameter]}/{key}": value for parameter, state in optimiser.state.items() for key, value in state.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, module: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Give an optimiser the state that `optimiser_tensors` returned."""
    parameters = dict(module.named_parameters())
    for name, tensor in tensors.items():
        parameter, _, key = name.rpartition("/")
        target = parameters[parameter]
        # In the parameter's own order in memory: fused optimisers go through parameter and state side by side.
        optimiser.state[target][key] = tensor if key == "step" else torch.empty_like(target).copy_(tensor)
