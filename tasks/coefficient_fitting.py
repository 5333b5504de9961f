"""The Prefect task that fits the coefficients of parts, and the plan of what there is to fit."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

from distributed import Client
from prefect import task
from prefect.cache_policies import NO_CACHE

from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.planning import coefficient_recipe, part_key
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import PART_INDEX_FILE, Family, part_path
from tasks.coefficient_jobs import FitContext, FitJob, fit_part
from tasks.fan_out import FanOut
from tasks.planning import BuildPlan

_JOBS_PER_DASK_THREAD = 3
_LOOK_UPS_AT_ONCE = 16


def plan_with_coefficients(plan: BuildPlan, face_model: str) -> tuple[BuildPlan, FitContext, list[FitJob]]:
    """Return a plan whose parts with videos have a key for their coefficients too, and the parts that are yet to be fitted.

    Args:
        plan: whose parts are built.
        face_model: id of the model that is fitted.
    """
    described = plan.description
    recipe = coefficient_recipe(
        plan.context.settings_keys[Family.LANDMARKS], face_model, described.spec, described.stage_versions, described.software
    )
    parts = []
    jobs = []
    for part, keys in plan.parts:
        if all(part.recordings.column("is_still").to_pylist()):
            parts.append((part, keys))
            continue
        key = part_key(Family.COEFFICIENTS, part.content_keys(), {Family.COEFFICIENTS: recipe})
        parts.append((part, keys | {Family.COEFFICIENTS: key}))
        jobs.append(FitJob(key, keys[Family.LANDMARKS]))
    context = FitContext(plan.context.store_uri, described.spec, face_model, recipe)
    with open_store(context.store_uri, Settings()) as store:
        missing = _missing(store, jobs)
    return dataclasses.replace(plan, parts=parts, description=dataclasses.replace(described, face_model=face_model)), context, missing


def _missing(store: ObjectStore, jobs: list[FitJob]) -> list[FitJob]:
    paths = [f"{part_path(Family.COEFFICIENTS, job.key)}/{PART_INDEX_FILE}" for job in jobs]
    with ThreadPoolExecutor(_LOOK_UPS_AT_ONCE) as pool:
        return [job for job, found in zip(jobs, pool.map(store.exists, paths), strict=True) if not found]


@task(name="fit coefficients", cache_policy=NO_CACHE, persist_result=False)
def fit_coefficients(context: FitContext, jobs: list[FitJob], scheduler: str) -> int:
    """Fit parts on Dask and return the number of clips fitted.

    Raises:
        StoreError: the store cannot be read or written, or landmarks are damaged.
    """
    with Client(scheduler, set_as_default=False) as client:
        window = max(1, sum(client.nthreads().values())) * _JOBS_PER_DASK_THREAD
        fan_out: FanOut[int] = FanOut(client, window, lambda number: (fit_part, (context, jobs[number])))
        for number, job in enumerate(jobs):
            fan_out.add(number, fit_part, context, job)
        return sum(clips for _, clips in fan_out.run())
