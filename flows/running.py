"""Running a flow from the command line: environment, a Prefect API, then the flow."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local_prefect import prefect_api, quiet_prefect_environment
from infra.object_store import open_store
from infra.settings import Settings
from infra.store_format import check_store_format
from pipelines.corpora.walking import checked_root
from storage_schemas.build_spec import BuildSpec
from storage_schemas.build_summary import BuildSummary
from storage_schemas.errors import BadInputError, BuildFailedError
from storage_schemas.face_models import FaceModelCard
from storage_schemas.image_runs import ImageRunConfig, ImageTrainingSpec
from storage_schemas.run_forms import BuildRequest
from storage_schemas.training_runs import RunKind, TrainingSpec

if TYPE_CHECKING:
    from pipelines.training.coefficient_training import TrainedRun
    from pipelines.training.images.image_run import TrainedImageRun


def run_build(
    spec: BuildSpec,
    source: Path,
    store: str,
    *,
    workers: int = 0,
    scheduler: str = "",
    tag: str = "latest",
    on_progress: Callable[[int, int, str], None] | None = None,
) -> BuildSummary:
    """Run the flow `build_dataset` in this process and return its summary.

    Raises:
        BadInputError: the source, the specification or the scheduler's address is wrong.
        StoreError: the store cannot be read or written.
        BuildFailedError: the build ended without a version that may be published.
    """
    started = time.perf_counter()
    settings = Settings()
    checked_root(source)
    with open_store(store, settings) as opened:  # before a server is started for nothing
        check_store_format(opened)
        opened.check_writable()
    home = settings.home
    quiet_prefect_environment(home)
    with prefect_api(home):
        from flows.build_dataset import build_dataset  # noqa: PLC0415 - Prefect reads its environment when imported
        from tasks.progress import listening  # noqa: PLC0415

        api_ready_s = time.perf_counter() - started
        with listening(on_progress):
            request = BuildRequest.of(spec, str(source), store, workers=workers, scheduler=scheduler, tag=tag)
            summary: BuildSummary = build_dataset(request)
    seconds = time.perf_counter() - started
    return summary.model_copy(update={"seconds": round(seconds, 3), "startup_seconds": round(api_ready_s + summary.startup_seconds, 3)})


def run_face_model(version: str, store: str, *, workers: int = 0) -> FaceModelCard:
    """Learn a face model from the clips of a dataset version with the version's settings, and make it the store's current one.

    Args:
        version: id, beginning of one, or tag.
        store: where the version is and the model goes.
        workers: parts handled at once; 0: one per processor.

    Raises:
        BadInputError: there is no such version, or it has too few frames.
        StoreError: the store cannot be read or written, or a part is damaged.
        BuildFailedError: a part cannot be learned from.
    """
    quiet_prefect_environment(Settings().home)
    from infra.dask_clusters import dask_scheduler  # noqa: PLC0415 - Prefect reads its environment when imported
    from tasks.build_marking import marked_as_running  # noqa: PLC0415
    from tasks.face_models import learn_and_publish, sources_of_version  # noqa: PLC0415
    from tasks.recording_jobs import close_processes  # noqa: PLC0415

    spec, sources = sources_of_version(store, version)
    card = None
    if sources:
        with marked_as_running(store, f"face model of {spec.name}"), dask_scheduler(workers=workers) as address:
            try:
                card = learn_and_publish(spec, sources, store, address)
            finally:
                close_processes()
    if card is None:
        raise BadInputError(f"version {version} has too few frames with a face for a face model; build one from more clips")
    return card


def run_training(
    kind: RunKind,
    spec: TrainingSpec,
    dataset: str,
    store: str,
    options: dict[str, Any],
    *,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> TrainedRun:
    """Run the flow `train_coefficient_generator` in this process and return what came of it.

    Args:
        kind: expflow or poseflow.
        spec: of the training.
        dataset: version id, beginning of one, or tag.
        store: where the version is and the run goes.
        options: fields of `RunOptions`.
        on_progress: (steps done, steps planned, note).

    Raises:
        BadInputError: there is no such version, it has no coefficients, or the device is not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    settings = Settings()
    quiet_prefect_environment(settings.home)
    from pipelines.training.coefficient_training import RunOptions, new_fabric  # noqa: PLC0415 - torch takes seconds to import
    from pipelines.training.version_sequences import VersionSequences  # noqa: PLC0415

    with open_store(store, settings) as opened:  # before a server is started for nothing
        check_store_format(opened)
        VersionSequences(opened, dataset)
        opened.check_writable()
    chosen = RunOptions(**options)
    new_fabric(chosen, spec, strategy="auto")
    with prefect_api(settings.home):
        from flows.train_coefficient_generator import train_coefficient_generator  # noqa: PLC0415 - reads its environment when imported
        from tasks.progress import listening  # noqa: PLC0415

        with listening(on_progress):
            trained: TrainedRun = train_coefficient_generator(kind, spec, dataset, store, chosen)
    return trained


def run_image_training(
    kind: RunKind,
    spec: ImageTrainingSpec,
    *,
    dataset: str,
    store: str,
    options: dict[str, Any],
    codebook: str = "latest",
    vgg19: str = "",
    on_progress: Callable[[int, int, str], None] | None = None,
) -> TrainedImageRun:
    """Run the flow `train_image_generator` in this process, or where `gpu_deployment` says, and return what came of it.

    Args:
        kind: codebook or vqig.
        spec: of the training.
        dataset: version id, beginning of one, or tag.
        store: where the version is and the run goes.
        options: fields of `RunOptions`.
        codebook: of the generator: run id, beginning of one, or latest.
        vgg19: file with torchvision's vgg19 weights; empty: none.
        on_progress: (steps done, steps planned, note).

    Raises:
        BadInputError: there is no such version or codebook, the version has no coefficients, or the device is not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    settings = Settings()
    quiet_prefect_environment(settings.home)
    from pipelines.training.coefficient_training import RunOptions  # noqa: PLC0415 - torch takes seconds to import
    from pipelines.training.images.image_run import finished_image_run, image_fabric  # noqa: PLC0415
    from pipelines.training.images.image_run_settings import asked_config  # noqa: PLC0415
    from pipelines.training.images.version_frames import VersionFrames  # noqa: PLC0415

    chosen = RunOptions(**options)
    with open_store(store, settings) as opened:  # before a server is started for nothing
        check_store_format(opened)
        config = asked_config(kind, VersionFrames(opened, dataset), spec, codebook, vgg19)
        finished = None if chosen.fresh else finished_image_run(opened, config)
        if finished is not None:
            return finished
        opened.check_writable()
    if settings.gpu_deployment:
        asked = {"codebook": config.codebook, "vgg19": vgg19, "options": asdict(chosen)}
        return _trained_elsewhere(settings, config, store, asked)
    image_fabric(chosen, spec)
    with prefect_api(settings.home):
        from flows.train_image_generator import train_image_generator  # noqa: PLC0415 - reads its environment when imported
        from tasks.progress import listening  # noqa: PLC0415

        with listening(on_progress):
            trained: TrainedImageRun = train_image_generator(kind, spec, dataset, store, codebook, vgg19, chosen)
    return trained


def _trained_elsewhere(settings: Settings, config: ImageRunConfig, store: str, asked: dict[str, Any]) -> TrainedImageRun:
    """Have the flow run where `gpu_deployment` says, wait for it, and return what it left in the store."""
    from infra.gpu_dispatch import run_on_work_pool  # noqa: PLC0415 - Prefect takes a second to import
    from pipelines.training.images.image_run import finished_image_run  # noqa: PLC0415

    spec = config.training.model_dump(mode="json")
    parameters = {"kind": config.kind.value, "spec": spec, "dataset": config.dataset, "store": store, **asked}
    run_on_work_pool(settings.gpu_deployment, parameters, {"config": config.model_dump(mode="json"), "store": store})
    with open_store(store, settings) as opened:
        finished = finished_image_run(opened, config)
    if finished is None:
        raise BuildFailedError(f"the flow run on {settings.gpu_deployment} is done, but {store} has no finished run of it")
    return finished
