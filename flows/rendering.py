"""Rendering from the command line or a program: environment, a Prefect API, then the flow `render_batch`."""

from __future__ import annotations

import importlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from infra.local_prefect import prefect_api, quiet_prefect_environment
from infra.object_store import open_store
from infra.settings import Settings
from storage_schemas.errors import BadInputError
from storage_schemas.render_request import RenderOptions, RenderRequest
from storage_schemas.render_results import ClipResult, ClipStatus, RenderSummary
from storage_schemas.script_rows import ScriptRow
from storage_schemas.store_trouble import store_trouble

Progress = Callable[[int, int, str], None]
_OUTPUT = "clip.mp4"
_WORK = "tasks.render_workplace"
"""Imports torch and everything else that renders, but not Prefect."""


def render_script_list(
    scripts: Path | str,
    models: Sequence[str],
    store_uri: str,
    out_uri: str,
    *,
    speech: str = "",
    chunk_clips: int = 512,
    scheduler: str = "",
    on_progress: Progress | None = None,
    **options: Any,  # noqa: ANN401 - checked by RenderOptions
) -> RenderSummary:
    """Render what is missing of a script list by the flow `render_batch`.

    Args:
        scripts: list: a file or s3:// address.
        models: runs, e.g. vqig/latest; a kind that is not named: its latest.
        store_uri: store with the runs.
        out_uri: where clips and results go.
        speech: speech engine of rows with text; empty: that of the environment.
        chunk_clips: clips that are handed to a GPU worker at a time.
        scheduler: address of a Dask scheduler whose workers have the resource GPU; empty: the work pool of the environment, or here.
        on_progress: (clips finished, clips of the list, note with frames, speed and time left).
        options: fields of `RenderOptions`.

    Returns:
        What was done; rows that failed are counted, not raised.

    Raises:
        BadInputError: the list is unusable as a whole, or a run is missing.
        StoreError: something cannot be read or written.
    """
    request = RenderRequest(
        scripts=str(scripts), models=list(models), store=store_uri, out=out_uri, speech=speech, chunk_clips=chunk_clips,
        options=RenderOptions(**options),
    )  # fmt: skip
    settings = Settings()
    quiet_prefect_environment(settings.home)
    with open_store(out_uri, settings) as output:  # before a server is started for nothing
        output.check_writable()
    with imported_meanwhile(_WORK), prefect_api(settings.home):
        from flows.render_batch import render_batch  # noqa: PLC0415 - Prefect reads its environment when imported
        from tasks.progress import listening  # noqa: PLC0415
        from tasks.rendering import RowsFailedError  # noqa: PLC0415

        with listening(on_progress):
            try:
                summary: RenderSummary = render_batch(request, scheduler)
            except RowsFailedError as error:
                summary = error.summary
    return summary


@contextmanager
def imported_meanwhile(module: str) -> Iterator[None]:
    """Import a module in a thread while something else is waited for, such as a server's start; it must not import Prefect.

    Whatever goes wrong with it is seen when it is imported where it is used.
    """

    def load() -> None:
        with suppress(Exception):
            importlib.import_module(module)

    thread = threading.Thread(target=load, name=f"import of {module}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def render_one(
    row: ScriptRow,
    models: Sequence[str],
    store_uri: str,
    out: Path,
    *,
    speech: str = "",
    on_progress: Progress | None = None,
    **options: Any,  # noqa: ANN401 - checked by RenderOptions
) -> ClipResult:
    """Make one clip, without a flow.

    Args:
        row: what is asked for; its files are absolute paths, its takes and output do not count.
        models: as in `render_script_list`.
        store_uri: store with the runs.
        out: file to write; it appears whole.
        speech: speech engine; empty: that of the environment.
        on_progress: (frames made, frames of the clip or 0, note).
        options: fields of `RenderOptions`.

    Raises:
        BadInputError: a file cannot be used, or a run is missing; the message says which and why.
        StoreError: something cannot be read or written.
    """
    from pipelines.rendering.batch.clip_plan import PlannedClip  # noqa: PLC0415 - torch takes seconds to import
    from pipelines.rendering.batch.list_rendering import ListEvents  # noqa: PLC0415
    from pipelines.rendering.batch.render_models import resolve_models  # noqa: PLC0415
    from tasks.render_workplace import RenderWorkplace  # noqa: PLC0415

    quiet_prefect_environment(Settings().home)
    found: list[ClipResult] = []
    made = [0]

    def on_frames(count: int) -> None:
        made[0] += count
        if on_progress is not None:
            on_progress(made[0], 0, "frames")

    with tempfile.TemporaryDirectory(prefix="flowvqtalker-talk-") as folder:
        with open_store(store_uri, Settings()) as store:
            names = resolve_models(store, models)
        request = RenderRequest(  # of no list, whose place the clip's own name takes
            scripts=str(out), models=names, store=store_uri, out=folder, speech=speech, options=RenderOptions(**options)
        )  # fmt: skip
        clip = PlannedClip(1, row.model_copy(update={"takes": 1, "output": _OUTPUT}), 0)
        with RenderWorkplace(request) as workplace:
            workplace.render("/", [[clip]], ListEvents(lambda result, _: found.append(result), on_frames))
        (result,) = found
        if result.status is ClipStatus.FAILED:
            raise BadInputError(result.message)
        with store_trouble("write", out):
            out.parent.mkdir(parents=True, exist_ok=True)
            part = out.with_name(f".{out.name}.part")
            shutil.copyfile(Path(folder) / _OUTPUT, part)
            part.replace(out)
    return result.model_copy(update={"output": str(out)})
