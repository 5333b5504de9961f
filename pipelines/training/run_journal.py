"""What a training writes down while it goes on and when it ends: checkpoints, TensorBoard events, and the card's figures."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from lightning.fabric import Fabric
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from pipelines.training.checkpoints import TensorGroups, write_checkpoint
from pipelines.training.loop import VALIDATION, LoopSettings, TrainingLoop, Watcher
from pipelines.training.run_folder import RunFolder
from pipelines.training.schedule import Budget, LearningRate
from storage_schemas.training_runs import TrainingState

OnProgress = Callable[[int, int, str], None]

_LAST_POINTS = 5


class LoopSpec(Protocol):
    """The settings that all trainings have; see `TrainingSpec`."""

    @property
    def steps(self) -> int: ...  # noqa: D102
    @property
    def max_minutes(self) -> float: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def learning_rate(self) -> float: ...  # noqa: D102
    @property
    def warmup_steps(self) -> int: ...  # noqa: D102
    @property
    def final_learning_rate_share(self) -> float: ...  # noqa: D102
    @property
    def gradient_norm(self) -> float: ...  # noqa: D102
    @property
    def average_decay(self) -> float: ...  # noqa: D102
    @property
    def validate_every(self) -> int: ...  # noqa: D102


def loop_settings(spec: LoopSpec, checkpoint_every: int) -> LoopSettings:
    """Return how the loop of a training goes."""
    return LoopSettings(
        seed=spec.seed,
        budget=Budget(spec.steps, spec.max_minutes * 60),
        learning_rate=LearningRate(spec.learning_rate, spec.warmup_steps, spec.final_learning_rate_share),
        gradient_norm=spec.gradient_norm,
        average_decay=spec.average_decay,
        validate_every=spec.validate_every,
        checkpoint_every=checkpoint_every,
    )


def loop_figures(loop: TrainingLoop, spec: LoopSpec) -> dict[str, Any]:
    """Return what the card of a run says of its loop: steps, time, losses."""
    return {
        "steps": loop.step,
        "stopped_by_time": loop.step < spec.steps,
        "seconds": round(loop.seconds, 3),
        "steps_per_second": round(loop.step / max(1e-9, loop.seconds), 3),
        "losses": {name: _mean_of_last(points) for name, points in loop.curves.items() if not name.startswith(VALIDATION)},
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


class RunJournal:
    """The checkpoints and events of one sitting; only the first process writes.

    Args:
        fabric: launched.
        folder: of the run.
        on_progress: (steps done, steps planned, note); None: nobody listens.
        stored: what is stored of the network's state dict; None: all.
    """

    def __init__(
        self,
        fabric: Fabric,
        folder: RunFolder,
        on_progress: OnProgress | None,
        stored: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None,
    ) -> None:
        self._fabric, self._folder, self._on_progress, self._stored = fabric, folder, on_progress, stored
        self._scratch: Path | None = None
        self.events: SummaryWriter | None = None

    def open(self, step: int) -> None:
        """Begin to write events from a step on."""
        if self._fabric.is_global_zero:
            self._scratch = self._folder.store.scratch_folder()
            self.events = SummaryWriter(str(self._scratch), purge_step=step + 1)

    def watcher(self) -> Watcher:
        """Return what the loop tells its points and checkpoints to."""
        watcher = Watcher(on_point=self._on_point, on_checkpoint=self._on_checkpoint)
        if self._on_progress is not None:
            watcher.on_progress = self._on_progress
        return watcher

    def close(self) -> None:
        """Close the events and remove what is not in the store."""
        if self.events is not None:
            self.events.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _on_point(self, name: str, step: int, value: float) -> None:
        if self.events is not None:
            self.events.add_scalar(name, value, step)

    def _on_checkpoint(self, state: TrainingState, groups: TensorGroups) -> None:
        kept = groups if self._stored is None else {**groups, "model": self._stored(groups["model"])}
        write_checkpoint(self._folder.store, self._folder.path, state, kept)
        if self.events is not None and self._scratch is not None:
            self.events.flush()
            self._folder.upload_events(self._scratch)


def _mean_of_last(points: list[tuple[int, float]]) -> float:
    values = [value for _, value in points[-_LAST_POINTS:]]
    return round(sum(values) / len(values), 6)
