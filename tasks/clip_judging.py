"""The Prefect task that has trained judges look at the clips of a build, for the filters of its specification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from distributed import Client
from prefect import task
from prefect.cache_policies import NO_CACHE

from infra.object_store import open_store
from infra.settings import Settings
from storage_schemas.part_layout import Family
from tasks.fan_out import FanOut
from tasks.planning import BuildPlan
from tasks.progress import RunProgress
from tasks.recording_jobs import worker_store

_JOBS_PER_DASK_THREAD = 2


@dataclass(frozen=True)
class JudgeJob:
    """What one judge is to look at: the clips of one part.

    Attributes:
        kind, run_id, weights_sha256: of the judge.
        part_keys: of the part, by family.
    """

    kind: str
    run_id: str
    weights_sha256: str
    part_keys: dict[Family, str]


@task(name="judge clips", cache_policy=NO_CACHE, persist_result=False)
def judge_build(plan: BuildPlan, scheduler: str) -> int:
    """Have every judge of a plan's specification look at every part that it has not seen, on Dask; return the number of clips it saw.

    Raises:
        BadInputError: a judge's run has gone.
        StoreError: the store cannot be read or written, or a part is damaged.
    """
    uri = plan.context.store_uri
    jobs = list(_jobs(plan))
    progress = RunProgress("dataset-judging", len(jobs), f"judgements of {plan.context.spec.name}")
    judged = 0
    with Client(scheduler, set_as_default=False) as client:
        window = max(1, sum(client.nthreads().values())) * _JOBS_PER_DASK_THREAD
        fan_out: FanOut[int] = FanOut(client, window, lambda number: (judge_part, (uri, jobs[number])))
        for number, job in enumerate(jobs):
            fan_out.add(number, judge_part, uri, job)
        for _, clips in fan_out.run():
            judged += clips
            progress.advance(note=f"{judged} clips judged")
    return judged


def judge_part(store_uri: str, job: JudgeJob) -> int:
    """Have a judge look at the clips of a part unless it has, on a Dask worker; return how many were looked at.

    Raises:
        BadInputError, StoreError: as `judge_build`.
    """
    import torch  # noqa: PLC0415 - takes seconds, and builds without judges need none

    from pipelines.judging.part_judgements import JudgeName, judge_part_clips  # noqa: PLC0415
    from storage_schemas.training_runs import RunKind  # noqa: PLC0415

    torch.set_num_threads(1)  # Dask workers are threads, one for each processor
    return judge_part_clips(worker_store(store_uri), JudgeName(RunKind(job.kind), job.run_id, job.weights_sha256), job.part_keys)


def _jobs(plan: BuildPlan) -> Iterator[JudgeJob]:
    from pipelines.judging.filters import judge_names  # noqa: PLC0415 - imports torch

    with open_store(plan.context.store_uri, Settings()) as store:
        judges = judge_names(store, plan.context.spec.judges)
    for _, keys in plan.parts:
        for judge in judges:
            if judge.parts_of_keys(keys):
                yield JudgeJob(judge.kind.value, judge.run_id, judge.weights_sha256, keys)
