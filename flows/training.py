"""Training a network from the command line: found finished, or trained by its flow, in this process or on a work pool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from infra.local_prefect import prefect_api, quiet_prefect_environment
from infra.object_store import open_store
from infra.settings import Settings
from infra.store_format import check_store_format
from storage_schemas.errors import BuildFailedError
from storage_schemas.training_runs import COEFFICIENT_KINDS, IMAGE_KINDS, RunKind

if TYPE_CHECKING:
    from prefect import Flow

    from pipelines.training.run_folder import CardT
    from pipelines.training.trainings import OpenedTraining, RunOptions, TrainedRun, Training


def run_training(
    training: Training[CardT], store: str, options: RunOptions, *, on_progress: Callable[[int, int, str], None] | None = None
) -> TrainedRun[CardT]:
    """Run the flow of a training in this process, or where `gpu_deployment` says, and return what came of it.

    A run that is finished is returned at once, without a server or a device, unless it is to be started over.

    Args:
        training: what is trained.
        store: where the version is and the run goes.
        options: how it is carried out.
        on_progress: (steps done, steps planned, note).

    Raises:
        BadInputError: there is no such version or codebook, it is not fit for the training, or the device is not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    settings = Settings()
    quiet_prefect_environment(settings.home)
    with open_store(store, settings) as opened:  # before a server is started for nothing
        check_store_format(opened)
        found = training.opened(opened)
        finished = None if options.fresh else found.finished()
        if finished is not None:
            return finished
        opened.check_writable()
    if settings.gpu_deployment:
        return _trained_elsewhere(settings, training, found, store, options)
    return _trained_here(settings, training, store, options, on_progress)


def training_flow(kind: RunKind) -> Flow[..., Any]:
    """Return the flow that trains a network; its parameters are the fields of the network's `Training`, `store` and `options`."""
    if kind in COEFFICIENT_KINDS:
        from flows.train_coefficient_generator import train_coefficient_generator  # noqa: PLC0415 - Prefect takes a second to import

        return train_coefficient_generator
    if kind in IMAGE_KINDS:
        from flows.train_image_generator import train_image_generator  # noqa: PLC0415

        return train_image_generator
    from flows.train_judge import train_judge  # noqa: PLC0415

    return train_judge


def _trained_here(
    settings: Settings, training: Training[CardT], store: str, options: RunOptions, on_progress: Callable[[int, int, str], None] | None
) -> TrainedRun[CardT]:
    """Run the flow in this process."""
    from pipelines.training.trainings import new_fabric  # noqa: PLC0415 - torch takes seconds to import

    new_fabric(options, training.spec)  # before a server is started for a device that is not there
    with prefect_api(settings.home):
        from tasks.progress import listening  # noqa: PLC0415 - Prefect reads its environment when imported

        with listening(on_progress):
            trained: TrainedRun[CardT] = training_flow(training.kind)(**training.parameters(), store=store, options=options)
    return trained


def _trained_elsewhere(
    settings: Settings, training: Training[CardT], found: OpenedTraining[CardT], store: str, options: RunOptions
) -> TrainedRun[CardT]:
    """Have the flow run on a work pool, wait for it, and return what it left in the store."""
    from infra.gpu_dispatch import run_on_work_pool  # noqa: PLC0415 - Prefect takes a second to import
    from pipelines.training.trainings import finished_run  # noqa: PLC0415 - torch takes seconds to import

    deployment = f"{training_flow(training.kind).name}/{settings.gpu_deployment.rpartition('/')[2]}"
    config = found.config.model_dump(mode="json")
    # What was asked for by a tag, or as the latest, goes by its id: the tag may have moved when the run begins.
    asked = {name: config.get(name, value) for name, value in training.parameters().items()}
    parameters = {**asked, "spec": config["training"], "store": store, "options": asdict(options)}
    run_on_work_pool(deployment, parameters, {"config": config, "store": store})
    with open_store(store, settings) as opened:
        finished = finished_run(opened, found.config, found.record)
    if finished is None:
        raise BuildFailedError(f"the flow run on {deployment} is done, but {store} has no finished run of it")
    return finished
