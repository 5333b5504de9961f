"""The flow `build_dataset`: raw videos in, an immutable dataset version out.

Input: a corpus folder and a specification. Output: parts, a version and a tag in a store. Schedule: every night, or as often as you like;
what is there is not built again. Cost: about 15 ms of one processor for each 25 fps frame of new video. Locally:
``flowvqtalker build --help``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

from prefect import flow

from flows.run_names import named
from infra.dask_clusters import dask_scheduler, default_workers
from infra.settings import Settings
from pipelines.reports.version_notes import version_notes
from storage_schemas.build_summary import BuildSummary
from storage_schemas.part_layout import Family
from storage_schemas.run_forms import BuildRequest
from tasks.build_marking import marked_as_running
from tasks.clip_judging import judge_build
from tasks.coefficient_fitting import fit_coefficients, plan_with_coefficients
from tasks.face_models import find_face_model, landmark_sources, make_face_model
from tasks.part_building import BuiltCounts, PartWork, build_parts
from tasks.planning import BuildPlan, plan_build
from tasks.progress import RunProgress
from tasks.publishing import Published, publish
from tasks.recording_jobs import Obtained, close_processes, prepare_processes

RECORDINGS_PER_TASK_RUN = 512
MOST_TASK_RUNS = 400


@flow(name="build_dataset", flow_run_name=named("build {name}"), persist_result=False, validate_parameters=True)
def build_dataset(request: BuildRequest) -> BuildSummary:
    """Build a dataset version, or find that nothing has changed.

    Args:
        request: what to build from what.

    Raises:
        BadInputError: source, specification or scheduler address is wrong.
        StoreError: the store cannot be read or written.
        BuildFailedError: too little was kept, or the parts could not be finished.
    """
    started, spec, store = time.perf_counter(), request.spec(), request.store or Settings().store
    workers, scheduler = request.workers, request.scheduler
    with marked_as_running(store, spec.name):
        try:
            plan = plan_build(spec, request.source, store)
            if not scheduler:
                prepare_processes(store, min(plan.recordings_to_process, workers or default_workers()))
            with _Cluster(scheduler, workers) as cluster:
                counts = _build_missing(plan, cluster)
                plan = _with_coefficients(plan, cluster, counts)
                if plan.context.spec.judges.asked:
                    judge_build(plan, cluster.address())
        finally:
            close_processes()
        published = publish(plan, request.tag, request.keep_versions)
    return _summary(plan, counts, published, request.tag).model_copy(
        update={"seconds": time.perf_counter() - started, "startup_seconds": cluster.startup_s}
    )


class _Cluster:
    """The Dask cluster of a run, started when it is first needed: a run that finds nothing to do starts none."""

    def __init__(self, scheduler: str, workers: int) -> None:
        self._scheduler, self._workers = scheduler, workers
        self._stack = ExitStack()
        self._address = ""
        self.startup_s = 0.0

    def __enter__(self) -> _Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def address(self) -> str:
        """Return the scheduler's address."""
        if not self._address:
            started = time.perf_counter()
            self._address = self._stack.enter_context(dask_scheduler(self._scheduler, self._workers))
            self.startup_s = time.perf_counter() - started
        return self._address


def _build_missing(plan: BuildPlan, cluster: _Cluster) -> BuiltCounts:
    """Build what is missing, batch by batch; return what was done."""
    counts = BuiltCounts()
    if not plan.work:
        return counts
    progress = RunProgress("dataset-build", plan.recordings_to_obtain, f"recordings of {plan.context.spec.name}")
    for name, batch in _batches(plan):
        counts.add(build_parts(name, batch, plan.context, cluster.address(), progress))
    return counts


def _with_coefficients(plan: BuildPlan, cluster: _Cluster, counts: BuiltCounts) -> BuildPlan:
    """Learn or take a face model, fit what is not fitted yet, and return the plan with the coefficients' parts."""
    spec, store_uri = plan.context.spec, plan.context.store_uri
    sources = landmark_sources(plan)
    if not spec.face_model.enabled or not sources:
        return plan
    face_model = find_face_model(spec, sources, store_uri) or make_face_model(spec, sources, store_uri, cluster.address())
    if not face_model:
        return plan
    fitted, context, jobs = plan_with_coefficients(plan, face_model)
    if jobs:
        fit_coefficients(context, jobs, cluster.address())
        counts.by_family[Family.COEFFICIENTS] += len(jobs)
        counts.parts += len({job.landmarks_key for job in jobs} - {work.part.keys[Family.LANDMARKS] for work in plan.work})
    return fitted


def _batches(plan: BuildPlan) -> Iterator[tuple[str, list[PartWork]]]:
    """Cut the work into task runs: some hundred recordings each, and never more than a few hundred runs."""
    least = max(RECORDINGS_PER_TASK_RUN, plan.recordings_to_obtain // MOST_TASK_RUNS)
    batch: list[PartWork] = []
    first = 1
    for number, part in enumerate(plan.work, start=1):
        batch.append(part)
        if sum(len(work.recordings) for work in batch) >= least or number == len(plan.work):
            yield f"{first}-{number} of {len(plan.work)}", batch
            batch, first = [], number + 1


def _summary(plan: BuildPlan, counts: BuiltCounts, published: Published, tag: str) -> BuildSummary:
    manifest = published.manifest
    return BuildSummary(
        dataset_version=manifest.dataset_version,
        recipe=manifest.recipe,
        unchanged=published.unchanged,
        previous_version=published.previous,
        changes=published.changes,
        versions_given_up=published.given_up,
        store=plan.context.store_uri,
        tag=tag,
        recordings=plan.recordings,
        clips_accepted=manifest.counts["clips"],
        clips_rejected=manifest.counts["rejections"],
        rejections_by_reason=published.rejections_by_reason,
        frames=manifest.counts["frames"],
        face_model=manifest.face_model,
        notes=version_notes(manifest),
        parts_total=len(plan.parts),
        parts_built=counts.parts,
        parts_built_by_family={family.value: counts.by_family[family] for family in Family},
        recordings_processed=counts.obtained[Obtained.PROCESSED],
        recordings_reused=counts.obtained[Obtained.COPIED],
        keep_rate=manifest.keep_rates["recordings"],
        seconds=0.0,
        startup_seconds=0.0,
        report=published.report,
    )
