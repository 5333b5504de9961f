"""What a training is, whatever it trains: how it is asked for, how it is carried out, and what comes of it.

A kind of network is trained by a subclass of `Training`; everything around it (flows, tasks, processes, work pools) knows only this module.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from lightning.fabric import Fabric

from pipelines.training.checkpoints import read_last_checkpoint
from pipelines.training.devices import open_fabric
from pipelines.training.run_folder import AnyCard, CardT, RunFolder, run_id_of
from pipelines.training.run_journal import OnProgress
from storage_schemas.image_runs import ImageRunConfig, ImageTrainingSpec
from storage_schemas.judge_runs import JudgeRunConfig, JudgeTrainingSpec
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import RunConfig, RunKind, TrainingSpec

AnySpec = TrainingSpec | ImageTrainingSpec | JudgeTrainingSpec
AnyConfig = RunConfig | ImageRunConfig | JudgeRunConfig

CardT_co = TypeVar("CardT_co", bound=AnyCard, covariant=True)


@dataclass(frozen=True)
class RunOptions:
    """How a training is carried out; nothing here is in the run's id.

    Attributes:
        device: auto, cpu or cuda.
        devices: processes, each with a device of its own; their shares of a batch are equal.
        threads: processor threads; 0: `default_threads`, of pictures one for each processor.
        checkpoint_every: steps between checkpoints.
        fresh: start over even if there is something to go on from.
    """

    device: str = "auto"
    devices: int = 1
    threads: int = 0
    checkpoint_every: int = 200
    fresh: bool = False


@dataclass(frozen=True)
class TrainedRun(Generic[CardT_co]):
    """What came of a training.

    Attributes:
        card: of the run.
        was_finished: it was there before; nothing was trained.
        resumed_step: step that this sitting went on from; 0: from the beginning.
        curves: step and value of each figure.
    """

    card: CardT_co
    was_finished: bool
    resumed_step: int
    curves: dict[str, list[tuple[int, float]]]


@dataclass(frozen=True, eq=False)
class OpenedTraining(Generic[CardT_co]):
    """A training whose data have been found in a store.

    Attributes:
        store: where the data are and the run goes.
        config: what is trained; it decides the run's id.
        record: what the run's card is.
        train: trains the run to its end, goes on with it, or finds that it is finished; Fabric is that of a launched process, None: one
            process. Raises BadInputError, StoreError or BuildFailedError.
    """

    store: ObjectStore
    config: AnyConfig
    record: type[CardT_co]
    train: Callable[[RunOptions, OnProgress | None, Fabric | None], TrainedRun[CardT_co]]

    def finished(self) -> TrainedRun[CardT_co] | None:
        """Return the run if it is finished, else None."""
        return finished_run(self.store, self.config, self.record)


@dataclass(frozen=True)
class Training(ABC, Generic[CardT_co]):
    """A training as it is asked for, in words; the fields are parameters of the flow that carries it out.

    Attributes:
        kind: of the network.
        spec: of the training.
        dataset: version id, beginning of one, or tag.
    """

    kind: RunKind
    spec: AnySpec
    dataset: str

    @abstractmethod
    def opened(self, store: ObjectStore) -> OpenedTraining[CardT_co]:
        """Find what it is trained on.

        Raises:
            BadInputError: the store has no such version, or the version is not fit for it.
            StoreError: the store cannot be read.
        """

    def parameters(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def new_fabric(options: RunOptions, spec: AnySpec, strategy: str = "auto") -> Fabric:
    """Return Fabric for the devices of some options; BadInputError if they are not there, or do not divide a batch."""
    batch = ("batch_frames", spec.batch_frames) if isinstance(spec, ImageTrainingSpec) else ("batch_windows", spec.batch_windows)
    return open_fabric(options.device, options.devices, spec.precision, batch, strategy)


def finished_run(store: ObjectStore, config: AnyConfig, record: type[CardT]) -> TrainedRun[CardT] | None:
    """Return the run of a configuration, whose card is such a record, if it is finished, else None."""
    folder = RunFolder(store, config.kind, run_id_of(config))
    card = folder.read_card(record)
    if card is None:
        return None
    checkpoint = read_last_checkpoint(store, folder.path)
    return TrainedRun(card, was_finished=True, resumed_step=0, curves=checkpoint[0].curves if checkpoint else {})


def default_threads() -> int:
    """Return half of the processors: threads that wait for each other lose all speed where another program takes one of theirs."""
    return max(1, (os.cpu_count() or 1) // 2)
