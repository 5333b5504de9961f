"""The Prefect task that trains a judge, and the artifact that shows how it went."""

from __future__ import annotations

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
from pipelines.judging.clip_media import VersionMedia
from pipelines.training.coefficient_training import RunOptions
from pipelines.training.judges.judge_run import TrainedJudge, finished_judge, judge_fabric, train_judge
from pipelines.training.judges.judge_settings import judge_config
from storage_schemas.errors import StoreError
from storage_schemas.judge_runs import JudgeTrainingSpec
from storage_schemas.training_runs import RunKind
from tasks.progress import RunProgress
from tasks.training import markdown_of

_SEVERAL_PROCESSES = "ddp_spawn"


@dataclass(frozen=True)
class JudgeTrainingJob:
    """What is trained, on what, and where the run goes.

    Attributes:
        kind: sync or emotion.
        spec: of the training.
        dataset: version id, beginning of one, or tag.
        store_uri: where the version is and the run goes.
        options: how it is carried out.
    """

    kind: RunKind
    spec: JudgeTrainingSpec
    dataset: str
    store_uri: str
    options: RunOptions


@task(name="train a judge", cache_policy=NO_CACHE, persist_result=False)
def train_one_judge(job: JudgeTrainingJob) -> TrainedJudge:
    """Train a run, go on with it, or find that it is finished.

    Raises:
        BadInputError: there is no such version, it has no clips to train on, or the device is not there.
        StoreError: the store cannot be read or written.
        BuildFailedError: the training diverged.
    """
    progress = RunProgress("training", job.spec.steps, f"steps of {job.kind.value}")
    trained = _in_several_processes(job) if job.options.devices > 1 else _in_this_process(job, progress)
    progress.reach(trained.card.steps, trained.card.steps)
    create_markdown_artifact(markdown_of(trained), key="training-run", description=f"{trained.card.kind.value}/{trained.card.run_id}")
    return trained


@contextmanager
def _opened(job: JudgeTrainingJob) -> Iterator[tuple[ManagedStore, VersionMedia]]:
    with open_store(job.store_uri, Settings()) as store:
        yield store, VersionMedia(store, job.dataset)


def _in_this_process(job: JudgeTrainingJob, progress: RunProgress) -> TrainedJudge:
    with _opened(job) as (store, source):
        return train_judge(store, source, judge_config(job.kind, source.dataset, job.spec), job.options, progress.reach)


def _in_several_processes(job: JudgeTrainingJob) -> TrainedJudge:
    # Fabric takes arguments and results apart to look for tensors, and stumbles over frozen records.
    fabric = judge_fabric(job.options, job.spec, _SEVERAL_PROCESSES)
    was_finished, resumed_step = fabric.launch(partial(_one_of_several, job=job))
    with _opened(job) as (store, source):
        finished = finished_judge(store, judge_config(job.kind, source.dataset, job.spec))
    if finished is None:
        raise StoreError(f"the run has gone from {job.store_uri} while it was trained; train it again")
    return replace(finished, was_finished=bool(was_finished), resumed_step=int(resumed_step))


def _one_of_several(fabric: Fabric, job: JudgeTrainingJob) -> tuple[bool, int]:
    """Train in a launched process; what it returns is the first process's."""
    with _opened(job) as (store, source):
        trained = train_judge(store, source, judge_config(job.kind, source.dataset, job.spec), job.options, fabric=fabric)
    return trained.was_finished, trained.resumed_step
