"""The benchmark of evaluations: a demo corpus, a dataset version of it, and its own videos evaluated against that version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.native_logs import native_logs_hidden
from flows.running import run_build
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.video_evaluation.evaluation_benchmark import measure_evaluation
from storage_schemas.build_spec import BuildSpec, Layout


def run_evaluation_benchmark(
    corpus: Path, store: str, scratch: Path, repetitions: int, on_progress: Callable[[int, int, str], None]
) -> dict[str, Any]:
    """Build a version from a demo corpus, and return what `measure_evaluation` does of it.

    Args:
        corpus: folder of the demo corpus.
        store: where the version goes; parts that are there already are not built again.
        scratch: local folder for temporary files.
        repetitions: of each way of measuring.
        on_progress: (videos done, videos, way).

    Raises:
        BuildFailedError, StoreError: as a build.
    """
    version = run_build(BuildSpec(name="bench-evaluate", layout=Layout.DEMO), corpus, store, tag="bench-evaluate").dataset_version
    with open_store(store, Settings()) as opened, native_logs_hidden():
        return measure_evaluation(opened, version, corpus, scratch, on_progress, repetitions)
