from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from infra.managed_store import ManagedStore
from pipelines.training.checkpoints import (
    checkpoint_path,
    checkpoint_steps,
    optimiser_tensors,
    read_last_checkpoint,
    restore_optimiser,
    write_checkpoint,
)
from pipelines.training.loop import adamw
from storage_schemas.errors import StoreError
from storage_schemas.training_runs import TrainingState
from tests.factories.dataset_versions import local_store

RUN = "runs/expflow/0123"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ManagedStore]:
    with local_store(tmp_path / "store") as opened:
        yield opened


def write(store: ManagedStore, step: int) -> None:
    write_checkpoint(store, RUN, TrainingState(step=step, seconds=1.5), {"model": {"weight": torch.full((2,), float(step))}})


def test_the_last_one_is_read_and_the_last_two_stay(store: ManagedStore) -> None:
    assert read_last_checkpoint(store, RUN) is None
    for step in (20, 40, 60):
        write(store, step)
    assert checkpoint_steps(store, RUN) == [40, 60]
    found = read_last_checkpoint(store, RUN)
    assert found is not None
    assert (found[0].step, found[1]["model"]["weight"].tolist()) == (60, [60.0, 60.0])


def test_one_that_is_not_whole_is_not_seen(store: ManagedStore) -> None:
    write(store, 20)
    write(store, 40)
    store.delete(f"{checkpoint_path(RUN, 40)}/state.json")
    assert checkpoint_steps(store, RUN) == [20]


@pytest.mark.parametrize("content", [b"", b"x" * 100])
def test_damage_is_found(store: ManagedStore, content: bytes) -> None:
    write(store, 20)
    store.write_bytes(f"{checkpoint_path(RUN, 20)}/model.safetensors", content)
    with pytest.raises(StoreError, match=r"damaged.*--fresh"):
        read_last_checkpoint(store, RUN)


def test_an_optimiser_goes_on_as_if_nothing_had_happened() -> None:
    def step(module: nn.Module, optimiser: torch.optim.Optimizer) -> None:
        module(torch.ones(1, 3)).square().sum().backward()
        optimiser.step()
        optimiser.zero_grad()

    torch.manual_seed(0)
    one, other = nn.Linear(3, 2), nn.Linear(3, 2)
    first = adamw(one.named_parameters(), 0.1)
    first.param_groups[0]["lr"] = first.param_groups[1]["lr"] = 0.1
    step(one, first)
    other.load_state_dict(one.state_dict())
    second = adamw(other.named_parameters(), 0.1)
    second.param_groups[0]["lr"] = second.param_groups[1]["lr"] = 0.1
    restore_optimiser(second, other, {name: tensor.clone() for name, tensor in optimiser_tensors(first, one).items()})
    step(one, first)
    step(other, second)
    assert torch.equal(one.weight, other.weight)
    assert torch.equal(one.bias, other.bias)


def test_a_fused_optimiser_goes_on_with_parameters_in_another_order_in_memory() -> None:
    """Channels-last kernels: moments read back in the usual order would be taken for those of other weights."""

    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)

    def steps(module: nn.Module, optimiser: torch.optim.Optimizer, count: int) -> None:
        for group in optimiser.param_groups:
            group["lr"] = 0.1
        for _ in range(count):
            module(torch.arange(75.0).reshape(1, 3, 5, 5) / 75).square().sum().backward()
            optimiser.step()
            optimiser.zero_grad()

    whole, halfway = network(), network()
    whole_optimiser, halfway_optimiser = (adamw(module.named_parameters(), 0.0, fused=True) for module in (whole, halfway))
    steps(whole, whole_optimiser, 4)
    steps(halfway, halfway_optimiser, 2)
    read_back = {name: tensor.contiguous().clone() for name, tensor in optimiser_tensors(halfway_optimiser, halfway).items()}
    resumed_optimiser = adamw(halfway.named_parameters(), 0.0, fused=True)
    restore_optimiser(resumed_optimiser, halfway, read_back)
    steps(halfway, resumed_optimiser, 2)
    assert torch.equal(whole.weight, halfway.weight)
