"""What Prefect and Dask cost: the same build with them, and as a plain loop over the same jobs without them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from storage_schemas.build_spec import BuildSpec, FaceModelSettings, Layout


@dataclass(frozen=True)
class OrchestrationCost:
    """Seconds of the fastest repetition of each, start-up apart.

    Attributes:
        orchestration_overhead: (orchestrated - plain) / plain.
        orchestrated_s: the flow `build_dataset`.
        plain_s: the same jobs from a thread pool.
        startup_s: of the flow, not counted: server, cluster.
        clips: accepted by the build.
    """

    orchestration_overhead: float
    orchestrated_s: float
    plain_s: float
    startup_s: float
    clips: int


def measure_orchestration(source: Path, layout: Layout, scratch: Path, workers: int, repetitions: int) -> OrchestrationCost:
    """Build a corpus both ways in turns, each time into a new store.

    Args:
        source: the corpus.
        layout: how it is laid out.
        scratch: an empty folder for the stores.
        workers: recordings handled at once, in both.
        repetitions: how often; the fastest of each counts.
    """
    from flows.running import run_build  # noqa: PLC0415 - sets Prefect's environment before it is imported

    spec = BuildSpec(layout=layout)
    orchestrated, plain, startup, clips = [], [], [], 0
    spec = spec.model_copy(update={"face_model": FaceModelSettings(enabled=False)})  # the plain side fits none
    for repetition in range(repetitions):
        summary = run_build(spec, source, str(scratch / f"orchestrated-{repetition}"), workers=workers)
        orchestrated.append(summary.seconds - summary.startup_seconds)
        startup.append(summary.startup_seconds)
        clips = summary.clips_accepted
        plain.append(_plain_build_s(spec, source, str(scratch / f"plain-{repetition}"), workers))
    best, base = min(orchestrated), min(plain)
    return OrchestrationCost((best - base) / base, best, base, min(startup), clips)


def _plain_build_s(spec: BuildSpec, source: Path, store: str, workers: int) -> float:
    """Run plan, jobs and publication with nothing but a thread pool."""
    from tasks.planning import plan_build  # noqa: PLC0415
    from tasks.publishing import publish_plan  # noqa: PLC0415
    from tasks.recording_jobs import close_processes, obtain_recording, pack_staged_part, prepare_processes  # noqa: PLC0415

    started = time.perf_counter()
    try:
        prepare_processes(store, workers)
        plan = plan_build.fn(spec, str(source), store)
        with ThreadPoolExecutor(workers) as pool:
            for work in plan.work:
                list(pool.map(lambda job: obtain_recording(plan.context, job), work.recordings))
                pack_staged_part(plan.context, work.part)
    finally:
        close_processes()
    publish_plan(plan, "latest")
    return time.perf_counter() - started
