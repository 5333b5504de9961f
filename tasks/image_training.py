"""The Prefect task that trains the codebook or the image generator, and the artifacts that show how it went."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from lightning.fabric import Fabric
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.training.coefficient_training import RunOptions
from pipelines.training.images.image_run import TrainedImageRun, finished_image_run, image_fabric, train_images
from pipelines.training.images.image_run_settings import asked_config
from pipelines.training.images.version_frames import VersionFrames
from pipelines.training.loss_curves import sparkline
from storage_schemas.errors import StoreError
from storage_schemas.image_runs import SAMPLES_FILE, ImageTrainingSpec
from storage_schemas.training_runs import RunKind, run_folder
from tasks.progress import RunProgress

_SEVERAL_PROCESSES = "ddp_spawn"


@dataclass(frozen=True)
class ImageTrainingJob:
    """What is trained, on what, and where the run goes.

    Attributes:
        kind: of the network.
        spec: of the training.
        dataset: version id, beginning of one, or tag.
        store_uri: where the version is and the run goes.
        codebook: name of the codebook's run; of no meaning for a codebook.
        vgg19: file with torchvision's vgg19 weights; empty: none.
        options: how it is carried out.
    """

    kind: RunKind
    spec: ImageTrainingSpec
    dataset: str
    store_uri: str
    codebook: str
    vgg19: str
    options: RunOptions


@task(name="train on images", cache_policy=NO_CACHE, persist_result=False)
def train_on_images(job: ImageTrainingJob) -> TrainedImageRun:
    """Train a run, go on with it, or find that it is finished.

    Raises:
        BadInputError: there is no such version or codebook, it has no coefficients, or the device is not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    progress = RunProgress("training", job.spec.steps, f"steps of {job.kind.value}")
    trained = _in_several_processes(job) if job.options.devices > 1 else _in_this_process(job, progress)
    progress.reach(trained.card.steps, trained.card.steps)
    name = f"{trained.card.kind.value}/{trained.card.run_id}"
    create_markdown_artifact(markdown_of(trained, _samples(job, trained)), key="training-run", description=name)
    return trained


def markdown_of(trained: TrainedImageRun, samples: bytes) -> str:
    """Return card, curves as text and sample pictures (PNG; empty: none) as Markdown."""
    card = trained.card
    rows = [f"| {name} | {points[-1][1]:.4f} | `{sparkline(points)}` |" for name, points in sorted(trained.curves.items()) if points]
    lines = [
        f"## {card.kind.value}/{card.run_id}",
        "",
        *card.lines()[1:],
        "",
        "| figure | last | over steps |",
        "| --- | --- | --- |",
        *rows,
    ]
    if samples:
        lines += ["", f"![samples](data:image/png;base64,{base64.b64encode(samples).decode()})"]
    return "\n".join(lines)


@contextmanager
def _opened(job: ImageTrainingJob) -> Iterator[tuple[ManagedStore, VersionFrames]]:
    with open_store(job.store_uri, Settings()) as store:
        yield store, VersionFrames(store, job.dataset)


def _samples(job: ImageTrainingJob, trained: TrainedImageRun) -> bytes:
    path = f"{run_folder(trained.card.kind, trained.card.run_id)}/{SAMPLES_FILE}"
    with open_store(job.store_uri, Settings()) as store:
        return store.read_bytes(path) if store.exists(path) else b""


def _in_this_process(job: ImageTrainingJob, progress: RunProgress) -> TrainedImageRun:
    with _opened(job) as (store, source):
        config = asked_config(job.kind, source, job.spec, job.codebook, job.vgg19)
        return train_images(store, source, config, job.options, progress.reach, vgg19=job.vgg19)


def _in_several_processes(job: ImageTrainingJob) -> TrainedImageRun:
    # Fabric takes arguments and results apart to look for tensors, and stumbles over frozen records.
    fabric = image_fabric(job.options, job.spec, _SEVERAL_PROCESSES)
    was_finished, resumed_step = fabric.launch(partial(_one_of_several, job=job))
    with _opened(job) as (store, source):
        finished = finished_image_run(store, asked_config(job.kind, source, job.spec, job.codebook, job.vgg19))
    if finished is None:
        raise StoreError(f"the run has gone from {job.store_uri} while it was trained; train it again")
    return replace(finished, was_finished=bool(was_finished), resumed_step=int(resumed_step))


def _one_of_several(fabric: Fabric, job: ImageTrainingJob) -> tuple[bool, int]:
    """Train in a launched process; what it returns is the first process's."""
    with _opened(job) as (store, source):
        config = asked_config(job.kind, source, job.spec, job.codebook, job.vgg19)
        trained = train_images(store, source, config, job.options, vgg19=job.vgg19, fabric=fabric)
    return trained.was_finished, trained.resumed_step
