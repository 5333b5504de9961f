"""Running a flow from the command line: environment, a Prefect API, then the flow."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from infra.local_prefect import prefect_api, quiet_prefect_environment
from infra.object_store import open_store
from infra.settings import Settings
from infra.store_format import check_store_format
from pipelines.corpora.walking import checked_root
from storage_schemas.build_spec import BuildSpec
from storage_schemas.build_summary import BuildSummary
from storage_schemas.errors import BadInputError
from storage_schemas.face_models import FaceModelCard
from storage_schemas.run_forms import BuildRequest


def run_build(
    spec: BuildSpec,
    source: Path,
    store: str,
    *,
    workers: int = 0,
    scheduler: str = "",
    tag: str = "latest",
    on_progress: Callable[[int, int, str], None] | None = None,
) -> BuildSummary:
    """Run the flow `build_dataset` in this process and return its summary.

    Raises:
        BadInputError: the source, the specification or the scheduler's address is wrong.
        StoreError: the store cannot be read or written.
        BuildFailedError: the build ended without a version that may be published.
    """
    started = time.perf_counter()
    settings = Settings()
    checked_root(source)
    with open_store(store, settings) as opened:  # before a server is started for nothing
        check_store_format(opened)
        opened.check_writable()
    home = settings.home
    quiet_prefect_environment(home)
    with prefect_api(home):
        from flows.build_dataset import build_dataset  # noqa: PLC0415 - Prefect reads its environment when imported
        from tasks.progress import listening  # noqa: PLC0415

        api_ready_s = time.perf_counter() - started
        with listening(on_progress):
            request = BuildRequest.of(spec, str(source), store, workers=workers, scheduler=scheduler, tag=tag)
            summary: BuildSummary = build_dataset(request)
    seconds = time.perf_counter() - started
    return summary.model_copy(update={"seconds": round(seconds, 3), "startup_seconds": round(api_ready_s + summary.startup_seconds, 3)})


def run_face_model(version: str, store: str, *, workers: int = 0) -> FaceModelCard:
    """Learn a face model from the clips of a dataset version with the version's settings, and make it the store's current one.

    Args:
        version: id, beginning of one, or tag.
        store: where the version is and the model goes.
        workers: parts handled at once; 0: one per processor.

    Raises:
        BadInputError: there is no such version, or it has too few frames.
        StoreError: the store cannot be read or written, or a part is damaged.
        BuildFailedError: a part cannot be learned from.
    """
    quiet_prefect_environment(Settings().home)
    from infra.dask_clusters import dask_scheduler  # noqa: PLC0415 - Prefect reads its environment when imported
    from tasks.build_marking import marked_as_running  # noqa: PLC0415
    from tasks.face_models import learn_and_publish, sources_of_version  # noqa: PLC0415
    from tasks.recording_jobs import close_processes  # noqa: PLC0415

    spec, sources = sources_of_version(store, version)
    card = None
    if sources:
        with marked_as_running(store, f"face model of {spec.name}"), dask_scheduler(workers=workers) as address:
            try:
                card = learn_and_publish(spec, sources, store, address)
            finally:
                close_processes()
    if card is None:
        raise BadInputError(f"version {version} has too few frames with a face for a face model; build one from more clips")
    return card
