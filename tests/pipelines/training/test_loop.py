from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from pipelines.training.devices import open_fabric
from pipelines.training.loop import LOG_EVERY, LoopSettings, TrainingLoop, Watcher, adamw
from pipelines.training.schedule import Budget, LearningRate
from storage_schemas.errors import BuildFailedError
from storage_schemas.training_runs import TrainingState


class Line(nn.Module):
    """Fits a line to points."""

    def __init__(self, network: nn.Linear) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: Tensor) -> dict[str, Tensor]:
        noise = torch.randn_like(batch) * 0.01
        return {"loss": (self.network(batch + noise) - 3 * batch).square().mean()}


class Points:
    """The loop's task."""

    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def batch(self, step: int, rank: int, world_size: int) -> Tensor:  # noqa: ARG002 - the protocol
        return self.factor * torch.randn(8, 1, generator=torch.Generator().manual_seed(step))

    def validate(self, network: nn.Module) -> float | None:
        assert isinstance(network, nn.Linear)
        return abs(float(network.weight.detach()) - 3.0)


def loop_of(watcher: Watcher, steps: int = 100, rate: float = 0.05) -> TrainingLoop:
    torch.manual_seed(0)
    network = nn.Linear(1, 1)
    settings = LoopSettings(0, Budget(steps), LearningRate(rate, 5, 0.1), 1.0, 0.9, validate_every=25, checkpoint_every=40)
    optimiser = adamw(network.named_parameters(), 0.0)
    return TrainingLoop(open_fabric("cpu", 1, "32-true"), network, Line(network), optimiser, settings, watcher)


def test_a_loop_learns_and_tells() -> None:
    told: list[tuple[int, int, str]] = []
    saved: list[TrainingState] = []
    loop = loop_of(Watcher(lambda *news: told.append(news), on_checkpoint=lambda state, groups: saved.append((state, groups)[0])))
    loop.run(Points())
    assert [news[:2] for news in told] == [(step, 100) for step in range(LOG_EVERY, 101, LOG_EVERY)]
    assert [state.step for state in saved] == [40, 80]
    assert [step for step, _ in loop.curves["validation"]] == [25, 50, 75, 100]
    assert loop.best_validation == pytest.approx(min(value for _, value in loop.curves["validation"]), abs=1e-5)
    assert loop.best_validation < 0.5
    assert set(loop.best) == {"weight", "bias"}


class Terminated(BaseException):
    """What Prefect raises in a flow run that is sent SIGTERM is of this kind."""


@pytest.mark.parametrize("wish", [KeyboardInterrupt, Terminated])
def test_a_wish_to_stop_leaves_a_checkpoint(wish: type[BaseException]) -> None:
    saved: list[TrainingState] = []

    def interrupt(done: int, total: int, note: str) -> None:
        raise wish

    loop = loop_of(Watcher(interrupt, on_checkpoint=lambda state, groups: saved.append((state, groups)[0])))
    with pytest.raises(wish):
        loop.run(Points())
    assert [state.step for state in saved] == [LOG_EVERY]


def test_divergence_is_an_error() -> None:
    with pytest.raises(BuildFailedError, match=r"diverged.*lower learning rate"):
        loop_of(Watcher()).run(Points(math.inf))


def test_weight_decay_is_for_matrices() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    decayed, plain = adamw(network.named_parameters(), 0.1, ("1.",)).param_groups
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.1, 0.0)
    assert [parameter is network[0].weight for parameter in decayed["params"]] == [True]
    assert len(plain["params"]) == 3
