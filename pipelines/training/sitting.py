"""One sitting of a training: it begins, or goes on from the last checkpoint, and leaves a finished run."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol

import numpy as np
import torch
from lightning.fabric import Fabric
from numpy.typing import NDArray

from pipelines.training.checkpoints import TensorGroups, read_last_checkpoint
from pipelines.training.devices import device_name
from pipelines.training.loop import Task, TrainingLoop
from pipelines.training.provenance import code_version, software_versions
from pipelines.training.run_folder import CardT, RunFolder, run_id_of
from pipelines.training.run_journal import RunJournal, loop_figures, loop_settings
from pipelines.training.trainings import AnyConfig, RunOptions, TrainedRun, finished_run, new_fabric
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import CONFIG_FILE, TrainingState

_LOG = logging.getLogger(__name__)


class ClipTable(Protocol):
    """Clips of a split, and how many frames each has."""

    def __len__(self) -> int: ...

    @property
    def frames(self) -> NDArray[np.int64]: ...  # noqa: D102


class Sitting(ABC, Generic[CardT]):
    """One sitting of a training; subclasses say what is trained.

    Attributes:
        fabric: launched.
        folder: of the run.
        config: what is trained.
        journal: of this sitting.
        settings: of the loop.
        threads: processor threads of the training.
    """

    def __init__(self, fabric: Fabric, folder: RunFolder, config: AnyConfig, journal: RunJournal, checkpoint_every: int) -> None:
        self.fabric, self.folder, self.config, self.journal = fabric, folder, config, journal
        self.settings = loop_settings(config.training, checkpoint_every)
        self.threads = torch.get_num_threads()
        if fabric.is_global_zero:
            folder.write_record(CONFIG_FILE, config)

    def begin(self) -> None:
        """Get ready for the first step of all; there is nothing to go on from."""

    @abstractmethod
    def new_loop(self) -> TrainingLoop:
        """Return the loop at its first step."""

    def restore(self, loop: TrainingLoop, state: TrainingState, groups: TensorGroups) -> None:
        """Bring the loop to where a checkpoint was taken."""
        loop.restore(state, groups)

    @abstractmethod
    def task(self, loop: TrainingLoop) -> Task:
        """Return batches and validation for the loop."""

    @abstractmethod
    def write_results(self, loop: TrainingLoop) -> None:
        """Write weights and pictures, and the card last; called in the first process alone."""

    def close(self) -> None:
        """Let go of threads and files."""
        self.journal.close()

    def train(self, record: type[CardT]) -> TrainedRun[CardT]:
        """Go on from the last checkpoint, or begin, and finish; the run's card is such a record."""
        checkpoint = read_last_checkpoint(self.folder.store, self.folder.path)
        self.fabric.barrier()
        if checkpoint is None:
            self.begin()
        loop = self.new_loop()
        if checkpoint is not None:
            self.restore(loop, *checkpoint)
            _LOG.info("%s goes on from step %d", self.folder.name, loop.step)
        resumed = loop.step
        self.journal.open(resumed)
        loop.run(self.task(loop))
        loop.checkpoint()
        if self.fabric.is_global_zero:
            self.write_results(loop)
        self.fabric.barrier()
        card = self.folder.read_card(record)
        assert card is not None  # noqa: S101 - written by the first process, which the barrier waited for
        return TrainedRun(card, was_finished=False, resumed_step=resumed, curves=loop.curves)

    def card_fields(self, loop: TrainingLoop, tables: Mapping[str, ClipTable]) -> dict[str, Any]:
        """Return the fields that every card has: whose it is, what it was made with, and how it went.

        Args:
            loop: at its end.
            tables: by split.
        """
        return {
            "run_id": self.folder.run_id,
            "kind": self.config.kind,
            "config": self.config,
            "code_version": code_version(self.config.kind),
            "software": software_versions(self.config.kind),
            "device": device_name(self.fabric.device),
            "threads": self.threads,
            "clips": {split: len(table) for split, table in tables.items()},
            "frames": {split: int(table.frames.sum()) for split, table in tables.items()},
            **loop_figures(loop, self.config.training),
        }


def train_run(
    store: ObjectStore,
    config: AnyConfig,
    record: type[CardT],
    options: RunOptions,
    new_sitting: Callable[[Fabric, RunFolder], Sitting[CardT]],
    *,
    fabric: Fabric | None,
    threads: int,
) -> TrainedRun[CardT]:
    """Train a run to its end, go on with one that was stopped, or find that it is finished.

    Args:
        store: where runs are.
        config: what is trained.
        record: what the run's card is.
        options: how.
        new_sitting: opens the data; raises BadInputError, StoreError.
        fabric: of a launched process; None: one process.
        threads: processor threads where `options` names none.

    Raises:
        BadInputError: the data or the device are not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    folder = RunFolder(store, config.kind, run_id_of(config))
    fabric = fabric or new_fabric(options, config.training)
    if options.fresh and fabric.is_global_zero:
        folder.remove()
    fabric.barrier()
    finished = finished_run(store, config, record)
    if finished is not None:
        return finished
    torch.set_num_threads(options.threads or threads)
    sitting = new_sitting(fabric, folder)
    try:
        return sitting.train(record)
    finally:
        sitting.close()
