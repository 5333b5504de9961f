"""What Prefect and Dask cost: the same build with them, and as a plain loop over the same jobs without them."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from flows.plain_build import plain_build
from storage_schemas.build_spec import BuildSpec, FaceModelSettings, Layout

Measured = TypeVar("Measured")


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
    # The plain side fits no coefficients, so the other does not either.
    spec = BuildSpec(layout=layout, face_model=FaceModelSettings(enabled=False))
    orchestrated, plain = [], []
    for repetition in range(repetitions):
        orchestrated.append(_in_new_process(_orchestrated_build, spec, source, str(scratch / f"orchestrated-{repetition}"), workers))
        plain.append(_in_new_process(_plain_build_s, spec, source, str(scratch / f"plain-{repetition}"), workers))
    best, base = min(seconds for seconds, _, _ in orchestrated), min(plain)
    return OrchestrationCost((best - base) / base, best, base, min(startup for _, startup, _ in orchestrated), orchestrated[-1][2])


def _in_new_process(function: Callable[[BuildSpec, Path, str, int], Measured], *arguments: Any) -> Measured:  # noqa: ANN401
    """Run a build in a process of its own: Prefect reads its environment once, and neither side may profit from the other's imports."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def _orchestrated_build(spec: BuildSpec, source: Path, store: str, workers: int) -> tuple[float, float, int]:
    """Run the flow; return (seconds without start-up, start-up seconds, clips)."""
    from flows.running import run_build  # noqa: PLC0415 - sets Prefect's environment before it is imported

    summary = run_build(spec, source, store, workers=workers)
    return summary.seconds - summary.startup_seconds, summary.startup_seconds, summary.clips_accepted


def _plain_build_s(spec: BuildSpec, source: Path, store: str, workers: int) -> float:
    """Run the same jobs with nothing but a thread pool."""
    started = time.perf_counter()
    plain_build(spec, str(source), store, workers)
    return time.perf_counter() - started
