"""A build without Prefect and Dask: what the flow is measured against, and a way to run one inside a test."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from storage_schemas.build_spec import BuildSpec


def plain_build(spec: BuildSpec, source: str, store: str, workers: int) -> None:
    """Run plan, jobs and publication of a dataset version from a thread pool; coefficients are not fitted.

    Args:
        spec: what to build.
        source: folder of the corpus.
        store: folder or s3://bucket/prefix.
        workers: recordings handled at once.

    Raises:
        BadInputError: source or specification is wrong.
        StoreError: the store cannot be read or written.
    """
    from tasks.planning import plan_build  # noqa: PLC0415 - Prefect takes a second to import
    from tasks.publishing import publish_plan  # noqa: PLC0415
    from tasks.recording_jobs import close_processes, obtain_recording, pack_staged_part, prepare_processes  # noqa: PLC0415

    try:
        prepare_processes(store, workers)
        plan = plan_build.fn(spec, source, store)
        with ThreadPoolExecutor(workers) as pool:
            for work in plan.work:
                list(pool.map(lambda job: obtain_recording(plan.context, job), work.recordings))
                pack_staged_part(plan.context, work.part)
    finally:
        close_processes()
    publish_plan(plan, "latest")
