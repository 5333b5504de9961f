"""The Prefect tasks that train a network, in this process or in several, and the artifact that shows how it went."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic

from lightning.fabric import Fabric
from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from infra.object_store import open_store
from infra.settings import Settings
from pipelines.training.loss_curves import curves_png, sparkline
from pipelines.training.run_folder import AnyCard, CardT
from pipelines.training.trainings import CardT_co, OpenedTraining, RunOptions, TrainedRun, Training, new_fabric
from storage_schemas.errors import StoreError
from storage_schemas.image_runs import SAMPLES_FILE, ImageRunCard
from storage_schemas.judge_runs import JudgeRunCard
from storage_schemas.training_runs import IMAGE_KINDS, RunCard, run_folder
from tasks.progress import RunProgress

_SEVERAL_PROCESSES = "ddp_spawn"


@dataclass(frozen=True)
class TrainingJob(Generic[CardT_co]):
    """What is trained, and where.

    Attributes:
        training: as it was asked for.
        store_uri: where the version is and the run goes.
        options: how it is carried out.
    """

    training: Training[CardT_co]
    store_uri: str
    options: RunOptions


@task(name="train coefficient generator", cache_policy=NO_CACHE, persist_result=False)
def train(job: TrainingJob[RunCard]) -> TrainedRun[RunCard]:
    """Train ExpFlow or PoseFlow; see `carried_out`."""
    return carried_out(job)


@task(name="train on images", cache_policy=NO_CACHE, persist_result=False)
def train_on_images(job: TrainingJob[ImageRunCard]) -> TrainedRun[ImageRunCard]:
    """Train the codebook or the image generator; see `carried_out`."""
    return carried_out(job)


@task(name="train a judge", cache_policy=NO_CACHE, persist_result=False)
def train_one_judge(job: TrainingJob[JudgeRunCard]) -> TrainedRun[JudgeRunCard]:
    """Train a judge; see `carried_out`."""
    return carried_out(job)


def carried_out(job: TrainingJob[CardT]) -> TrainedRun[CardT]:
    """Train a run, go on with it, or find that it is finished; leave an artifact.

    Raises:
        BadInputError: there is no such version or codebook, it is not fit for the training, or the device is not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    progress = RunProgress("training", job.training.spec.steps, f"steps of {job.training.kind.value}")
    trained = _in_several_processes(job) if job.options.devices > 1 else _in_this_process(job, progress)
    progress.reach(trained.card.steps, trained.card.steps)
    name = f"{trained.card.kind.value}/{trained.card.run_id}"
    create_markdown_artifact(markdown_of(trained, *_picture(job.store_uri, trained)), key="training-run", description=name)
    return trained


def markdown_of(trained: TrainedRun[AnyCard], title: str, picture: bytes) -> str:
    """Return card, curves as text and a picture (PNG; empty: none) with its title as Markdown."""
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
    if picture:
        lines += ["", f"![{title}](data:image/png;base64,{base64.b64encode(picture).decode()})"]
    return "\n".join(lines)


def _picture(store_uri: str, trained: TrainedRun[AnyCard]) -> tuple[str, bytes]:
    """Return what is shown of a run, and its title: of images samples, where there are any, of others the curves."""
    card = trained.card
    if card.kind not in IMAGE_KINDS:
        return "loss curves", curves_png(f"{card.kind.value}/{card.run_id}", trained.curves)
    path = f"{run_folder(card.kind, card.run_id)}/{SAMPLES_FILE}"
    with open_store(store_uri, Settings()) as store:
        return "samples", store.read_bytes(path) if store.exists(path) else b""


@contextmanager
def _opened(job: TrainingJob[CardT]) -> Iterator[OpenedTraining[CardT]]:
    with open_store(job.store_uri, Settings()) as store:
        yield job.training.opened(store)


def _in_this_process(job: TrainingJob[CardT], progress: RunProgress) -> TrainedRun[CardT]:
    with _opened(job) as training:
        return training.train(job.options, progress.reach, None)


def _in_several_processes(job: TrainingJob[CardT]) -> TrainedRun[CardT]:
    # Fabric takes arguments and results apart to look for tensors, and stumbles over frozen records.
    fabric = new_fabric(job.options, job.training.spec, _SEVERAL_PROCESSES)
    was_finished, resumed_step = fabric.launch(partial(_one_of_several, job=job))
    with _opened(job) as training:
        finished = training.finished()
    if finished is None:
        raise StoreError(f"the run has gone from {job.store_uri} while it was trained; train it again")
    return replace(finished, was_finished=bool(was_finished), resumed_step=int(resumed_step))


def _one_of_several(fabric: Fabric, job: TrainingJob[AnyCard]) -> tuple[bool, int]:
    """Train in a launched process; what it returns is the first process's."""
    with _opened(job) as training:
        trained = training.train(job.options, None, fabric)
    return trained.was_finished, trained.resumed_step
