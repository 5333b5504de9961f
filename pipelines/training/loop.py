"""The training loop: steps on Lightning Fabric, averaged weights, validation, checkpoints, and going on exactly where it stopped.

Every random number of a step comes from the seed and the step's number, and every batch too, so the state of a training is its weights,
averages, optimiser and counters; no random state has to be stored, and nothing is read again to get back to a place in the data.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from pipelines.training.averaged_weights import AveragedWeights
from pipelines.training.checkpoints import TensorGroups, optimiser_tensors, restore_optimiser
from pipelines.training.schedule import Budget, LearningRate
from pipelines.training.window_plan import generator
from storage_schemas.errors import BuildFailedError
from storage_schemas.training_runs import TrainingState

LOG_EVERY = 20
"""Steps whose losses make one point of a curve; checkpoints fall on multiples of it."""

_STEP_SEED = 3
LOSS, VALIDATION = "loss", "validation"


class Task(Protocol):
    """What is trained on and how well it goes; the loop knows neither flows nor windows."""

    def batch(self, step: int, rank: int, world_size: int) -> Any:  # noqa: ANN401 - whatever the loss module takes
        """Return this process's share of the batch of a step, on the CPU."""
        ...

    def validate(self, network: nn.Module) -> float | None:
        """Return how bad a network is (lower is better); None: there is nothing to validate with."""
        ...


class Companion(Protocol):
    """What goes along with the network's own steps: a discriminator, the care of a codebook."""

    def before_step(self, step: int, planned_steps: int) -> None:
        """Learn that a step (0, 1, ...) of so many comes next."""
        ...

    def after_step(self, step: int) -> dict[str, Tensor]:
        """Do what is to be done after `step` steps; return scalars for the curves."""
        ...

    def tensors(self) -> TensorGroups:
        """Return what a checkpoint must hold of it."""
        ...

    def restore(self, groups: TensorGroups) -> None:
        """Go back to a checkpoint."""
        ...


@dataclass(frozen=True)
class LoopSettings:
    """How a loop goes; see `TrainingSpec`."""

    seed: int
    budget: Budget
    learning_rate: LearningRate
    gradient_norm: float
    average_decay: float
    validate_every: int
    checkpoint_every: int


@dataclass
class Watcher:
    """Who is told what.

    Attributes:
        on_progress: (steps done, steps planned, note), often.
        on_point: (name, step, value) for each point of a curve.
        on_checkpoint: state and tensors, when they are to be kept.
    """

    on_progress: Callable[[int, int, str], None] = field(default=lambda done, total, note: None)  # noqa: ARG005
    on_point: Callable[[str, int, float], None] = field(default=lambda name, step, value: None)  # noqa: ARG005
    on_checkpoint: Callable[[TrainingState, TensorGroups], None] = field(default=lambda state, groups: None)  # noqa: ARG005


class TrainingLoop:
    """One training in one process (of one or several).

    Args:
        fabric: launched.
        network: what is trained and averaged.
        loss: module around the network: batch -> dict of scalars with "loss"; set up by `fabric` together with `optimiser`.
        optimiser: of the network's parameters.
        settings: see there.
        watcher: told on the first process alone.
        companions: see there.
        backward: batch -> the losses, their gradients being left in the parameters; None: `loss` in one go.
    """

    def __init__(
        self,
        fabric: Fabric,
        network: nn.Module,
        loss: nn.Module,
        optimiser: torch.optim.Optimizer,
        settings: LoopSettings,
        watcher: Watcher,
        companions: Sequence[Companion] = (),
        *,
        backward: Callable[[Any], dict[str, Tensor]] | None = None,
    ) -> None:
        self._backward = backward or self._in_one_go
        self._fabric, self._network, self._settings = fabric, network, settings
        self._watcher = watcher if fabric.is_global_zero else Watcher()
        self._companions = companions
        self._plain_optimiser = optimiser
        self._loss, self._optimiser = fabric.setup(loss, optimiser)
        self.average = AveragedWeights(network, settings.average_decay)
        self.step = 0
        self.seconds = 0.0
        self.curves: dict[str, list[tuple[int, float]]] = {}
        self.best_step, self.best_validation = 0, math.inf
        self.best: dict[str, Tensor] = {}
        self._shadow = copy.deepcopy(network)
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def restore(self, state: TrainingState, groups: TensorGroups) -> None:
        """Go back to a checkpoint."""
        self._network.load_state_dict(groups["model"])
        self.average.restore(groups["average"])
        restore_optimiser(self._plain_optimiser, self._network, groups["optimiser"])
        for companion in self._companions:
            companion.restore(groups)
        self.best = {name: tensor.to(self._fabric.device) for name, tensor in groups.get("best", {}).items()}
        self.step, self.seconds = state.step, state.seconds
        self.curves = {name: list(points) for name, points in state.curves.items()}
        self.best_step = state.best_step
        self.best_validation = math.inf if state.best_validation is None else state.best_validation

    def checkpoint(self) -> None:
        """Hand the state over to the watcher."""
        state = TrainingState(
            step=self.step,
            seconds=self.seconds,
            best_step=self.best_step,
            best_validation=None if math.isinf(self.best_validation) else self.best_validation,
            curves=self.curves,
        )
        groups: TensorGroups = {
            "model": dict(self._network.state_dict()),
            "average": self.average.tensors(),
            "optimiser": optimiser_tensors(self._plain_optimiser, self._network),
        }
        for companion in self._companions:
            groups |= companion.tensors()
        if self.best:
            groups["best"] = self.best
        self._watcher.on_checkpoint(state, groups)

    def run(self, task: Task) -> None:
        """Train until the budget is spent; being asked to stop (Ctrl-C, SIGTERM to a flow run) leaves a checkpoint behind.

        Raises:
            BuildFailedError: the loss is no longer a finite number.
        """
        started = time.perf_counter() - self.seconds
        try:
            while not self._settings.budget.ended(self.step, self.seconds):
                self._one_step(task)
                self.seconds = self._agreed(time.perf_counter() - started)
                if self.step % self._settings.validate_every == 0 or self._settings.budget.ended(self.step, self.seconds):
                    self._validate(task)
                if self.step % LOG_EVERY == 0:
                    self._log()
                if self.step % self._settings.checkpoint_every == 0:
                    self.checkpoint()
        except BaseException as error:
            if not isinstance(error, Exception):  # somebody wants it to stop: Ctrl-C, or the signal that the worker of a flow run sends
                self.checkpoint()
            raise
        self.seconds = self._agreed(time.perf_counter() - started)

    def _one_step(self, task: Task) -> None:
        fabric, settings = self._fabric, self._settings
        rank, world_size = fabric.global_rank, fabric.world_size
        batch = fabric.to_device(task.batch(self.step, rank, world_size))
        torch.manual_seed(int(generator(settings.seed, self.step, rank, _STEP_SEED).integers(2**62)))
        planned_steps = settings.budget.planned_steps(self.step, self.seconds)
        rate = settings.learning_rate.at(self.step, planned_steps)
        for companion in self._companions:
            companion.before_step(self.step, planned_steps)
        for group in self._plain_optimiser.param_groups:
            group["lr"] = rate * group.get("rate_factor", 1.0)
        losses = self._backward(batch)
        fabric.clip_gradients(self._loss, self._optimiser, max_norm=settings.gradient_norm, error_if_nonfinite=False)
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self.average.update(self._network, self.step)
        for companion in self._companions:
            losses = losses | companion.after_step(self.step)
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value.detach()
            self._counts[name] = self._counts.get(name, 0) + 1

    def _in_one_go(self, batch: object) -> dict[str, Tensor]:
        losses: dict[str, Tensor] = self._loss(batch)
        self._fabric.backward(losses[LOSS])
        return losses

    def _log(self) -> None:
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        if not math.isfinite(means[LOSS]):
            raise BuildFailedError(
                f"the training diverged: its loss is {means[LOSS]} at step {self.step}; start over with a lower learning rate"
            )
        for name, value in means.items():
            self.note(name, value)
        note = f"loss {means[LOSS]:.3f}" + ("" if math.isinf(self.best_validation) else f", validation {self._last(VALIDATION):.3f}")
        self._watcher.on_progress(self.step, self._settings.budget.planned_steps(self.step, self.seconds), note)

    def _validate(self, task: Task) -> None:
        if not self._fabric.is_global_zero:
            return
        self.average.copy_to(self._shadow)
        value = task.validate(self._shadow)
        if value is None:
            return
        self.note(VALIDATION, value)
        if value < self.best_validation:
            self.best_validation, self.best_step = value, self.step
            self.best = {name: tensor.clone() for name, tensor in self.average.tensors().items()}

    def note(self, name: str, value: float) -> None:
        """Add a point of the present step to a curve."""
        self.curves.setdefault(name, []).append((self.step, round(value, 6)))
        self._watcher.on_point(name, self.step, value)

    def _last(self, name: str) -> float:
        return self.curves[name][-1][1]

    def _agreed(self, seconds: float) -> float:
        """Return the first process's clock, so that all processes end at the same step."""
        if self._fabric.world_size == 1 or not self._settings.budget.cap_s:
            return seconds
        return float(self._fabric.broadcast(seconds))


def adamw(
    named_parameters: Iterable[tuple[str, nn.Parameter]], weight_decay: float, undecayed: tuple[str, ...] = (), *, fused: bool = False
) -> torch.optim.AdamW:
    """Return AdamW whose weight decay is for matrices alone.

    Args:
        named_parameters: of the network.
        weight_decay: of parameters with two dimensions or more.
        undecayed: beginnings of names of parameters that have none either.
        fused: all parameters in one go, which on a processor takes a fifth of the time; rounds differently.
    """
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, parameter in named_parameters:
        (plain if parameter.dim() < 2 or name.startswith(undecayed) else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.99), fused=fused)
