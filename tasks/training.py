"""The Prefect task that trains a network, and the artifact that shows how it went."""

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
from pipelines.training.coefficient_training import RunOptions, TrainedRun, finished_run, new_fabric, train_coefficients
from pipelines.training.judges.judge_run import TrainedJudge
from pipelines.training.loss_curves import curves_png, sparkline
from pipelines.training.run_settings import run_config
from pipelines.training.version_sequences import VersionSequences
from storage_schemas.errors import StoreError
from storage_schemas.training_runs import RunKind, TrainingSpec
from tasks.progress import RunProgress

_SEVERAL_PROCESSES = "ddp_spawn"


@dataclass(frozen=True)
class TrainingJob:
    """What is trained, on what, and where the run goes.

    Attributes:
        kind: of the network.
        spec: of the training.
        dataset: version id, beginning of one, or tag.
        store_uri: where the version is and the run goes.
        options: how it is carried out.
    """

    kind: RunKind
    spec: TrainingSpec
    dataset: str
    store_uri: str
    options: RunOptions


@task(name="train coefficient generator", cache_policy=NO_CACHE, persist_result=False)
def train(job: TrainingJob) -> TrainedRun:
    """Train a run, go on with it, or find that it is finished.

    Raises:
        BadInputError: there is no such version, it has no coefficients, or the device is not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    progress = RunProgress("training", job.spec.steps, f"steps of {job.kind.value}")
    trained = _in_several_processes(job) if job.options.devices > 1 else _in_this_process(job, progress)
    progress.reach(trained.card.steps, trained.card.steps)
    create_markdown_artifact(markdown_of(trained), key="training-run", description=f"{trained.card.kind.value}/{trained.card.run_id}")
    return trained


def markdown_of(trained: TrainedRun | TrainedJudge) -> str:
    """Return card and loss curves as Markdown."""
    card = trained.card
    picture = base64.b64encode(curves_png(f"{card.kind.value}/{card.run_id}", trained.curves)).decode()
    rows = [f"| {name} | {points[-1][1]:.4f} | `{sparkline(points)}` |" for name, points in sorted(trained.curves.items()) if points]
    return "\n".join(
        [
            f"## {card.kind.value}/{card.run_id}",
            "",
            *card.lines()[1:],
            "",
            "| figure | last | over steps |",
            "| --- | --- | --- |",
            *rows,
            "",
            f"![loss curves](data:image/png;base64,{picture})",
        ]
    )


@contextmanager
def _opened(job: TrainingJob) -> Iterator[tuple[ManagedStore, VersionSequences]]:
    with open_store(job.store_uri, Settings()) as store:
        yield store, VersionSequences(store, job.dataset)


def _in_this_process(job: TrainingJob, progress: RunProgress) -> TrainedRun:
    with _opened(job) as (store, source):
        return train_coefficients(store, source, run_config(job.kind, source, job.spec), job.options, progress.reach)


def _in_several_processes(job: TrainingJob) -> TrainedRun:
    # Fabric takes arguments and results apart to look for tensors, and stumbles over frozen records.
    was_finished, resumed_step = new_fabric(job.options, job.spec, _SEVERAL_PROCESSES).launch(partial(_one_of_several, job=job))
    with _opened(job) as (store, source):
        finished = finished_run(store, run_config(job.kind, source, job.spec))
    if finished is None:
        raise StoreError(f"the run has gone from {job.store_uri} while it was trained; train it again")
    return replace(finished, was_finished=bool(was_finished), resumed_step=int(resumed_step))


def _one_of_several(fabric: Fabric, job: TrainingJob) -> tuple[bool, int]:
    """Train in a launched process; what it returns is the first process's."""
    with _opened(job) as (store, source):
        trained = train_coefficients(store, source, run_config(job.kind, source, job.spec), job.options, fabric=fabric)
    return trained.was_finished, trained.resumed_step
