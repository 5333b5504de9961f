"""Rendering from the command line or a program: environment, a Prefect API, then the flow `render_batch`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from infra.local_prefect import prefect_api, quiet_prefect_environment
from infra.object_store import open_store
from infra.settings import Settings
from storage_schemas.render_request import DEFAULT_SPEECH, RenderOptions, RenderRequest
from storage_schemas.render_results import RenderSummary

Progress = Callable[[int, int, str], None]


def render_script_list(
    scripts: Path | str,
    models: Sequence[str],
    store_uri: str,
    out_uri: str,
    *,
    speech: str = DEFAULT_SPEECH,
    chunk_clips: int = 256,
    on_progress: Progress | None = None,
    **options: Any,
) -> RenderSummary:
    """Render what is missing of a script list by the flow `render_batch`.

    Args:
        scripts: list: a file or s3:// address.
        models: runs, e.g. vqig/latest; a kind that is not named: its latest.
        store_uri: store with the runs.
        out_uri: where clips and results go.
        speech: speech engine of rows with text.
        chunk_clips: clips that are handed to a GPU worker at a time.
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
    with prefect_api(settings.home):
        from flows.render_batch import render_batch  # noqa: PLC0415 - Prefect reads its environment when imported
        from tasks.progress import listening  # noqa: PLC0415

        with listening(on_progress):
            summary: RenderSummary = render_batch(request)
    return summary
