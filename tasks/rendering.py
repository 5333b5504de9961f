"""The Prefect task that renders a script list, here or on GPU workers, and the artifact that shows what came of it."""

from __future__ import annotations

import base64
import html
import time
from collections import Counter
from collections.abc import Sequence

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from infra.store_format import check_store_format
from pipelines.rendering.batch.list_rendering import ListEvents, now_text
from pipelines.rendering.batch.list_results import Overview, finish_list
from pipelines.rendering.batch.render_models import resolve_models
from pipelines.rendering.batch.run_tally import RunTally
from storage_schemas.errors import BuildFailedError
from storage_schemas.render_request import RenderRequest
from storage_schemas.render_results import GALLERY_FILE, RESULTS_FILE, ClipResult, ClipStatus, RenderSummary
from tasks.progress import RunProgress
from tasks.render_dispatch import render_on_dask, render_on_work_pool
from tasks.render_workplace import RenderWorkplace
from tasks.script_plans import ListPlan, read_list

_SHOWN_CLIPS = 40


class RowsFailedError(BuildFailedError):
    """The list was gone through, but some of its rows have no clip; `summary` says what was done."""

    def __init__(self, summary: RenderSummary) -> None:
        reasons = ", ".join(f"{count} {reason}" for reason, count in summary.failures.items())
        super().__init__(f"{summary.rows_failed} of {summary.rows} rows failed ({reasons}); see {summary.results}, and run the list again")
        self.summary = summary


@task(name="render list", cache_policy=NO_CACHE, persist_result=False)
def render_list(request: RenderRequest, scheduler: str = "") -> RenderSummary:
    """Render what is missing of a list.

    Args:
        request: what is asked for.
        scheduler: address of a Dask scheduler whose workers have the resource GPU; empty: the work pool of `render_deployment`, or
            without one this process.

    Raises:
        BadInputError: the list is unusable as a whole, or a run is missing.
        StoreError: something cannot be read or written.
    """
    started_s, settings = time.monotonic(), Settings()
    with open_store(request.store, settings) as store:
        check_store_format(store)
        request = request.model_copy(update={"models": resolve_models(store, request.models)})
    with RenderWorkplace(request) as workplace:
        output = workplace.output
        plan = read_list(request, workplace.scratch)
        tally = RunTally(plan.clips, plan.failures())
        events = _events(tally, RunProgress("render-batch", tally.clips, f"clips of {_name(plan)}"), Overview(output, _name(plan)))
        if scheduler:
            render_on_dask(request, plan, output, scheduler, events)
        elif settings.render_deployment:
            render_on_work_pool(request, plan, output, settings.render_deployment, events)
        else:
            workplace.render(plan.base, plan.chunks, events)
        summary = _summary(request, tally, output, started_s)
        finish_list(
            output, tally.ordered(), scripts=plan.address, scripts_sha256=plan.sha256, models=request.models, finished=now_text()
        )  # fmt: skip
    create_markdown_artifact(markdown_of(summary, tally.ordered()), key="rendered-clips", description=_name(plan))
    return summary


def markdown_of(summary: RenderSummary, results: Sequence[ClipResult]) -> str:
    """Return what was done, what failed, and the first clips with thumbnails and links."""
    lines = [
        f"## {summary.rows_done} rows done, {summary.rows_failed} failed, {summary.rows_skipped} there before",
        "",
        f"{summary.frames} frames in {summary.seconds:.0f} s. [Gallery]({summary.gallery}), [results]({summary.results}).",
        "",
        *[f"- {reason}: {count}" for reason, count in summary.failures.items()],
        "",
        "| row | take | emotion | clip | |",
        "| --- | --- | --- | --- | --- |",
    ]
    failed_first = sorted(results, key=lambda result: result.status is ClipStatus.DONE)
    return "\n".join([*lines, *[_line(result, summary.out) for result in failed_first[:_SHOWN_CLIPS]]])


def _line(result: ClipResult, out: str) -> str:
    emotion = html.escape(result.emotion or result.emotion_reference or "neutral").replace("|", "/")
    if result.status is ClipStatus.FAILED:
        message = html.escape(result.message).replace("|", "/").replace("\n", " ")
        return f"| {result.row} | {result.take} | {emotion} | {result.reason} | {message} |"
    picture = f"![frame](data:image/jpeg;base64,{base64.b64encode(result.thumbnail).decode()})" if result.thumbnail else ""
    return f"| {result.row} | {result.take} | {emotion} | [{result.output}]({out.rstrip('/')}/{result.output}) | {picture} |"


def _name(plan: ListPlan) -> str:
    return plan.address.rsplit("/", 1)[-1]


def _events(tally: RunTally, progress: RunProgress, overview: Overview) -> ListEvents:
    def on_result(result: ClipResult, was_there: bool) -> None:
        tally.add(result, was_there)
        progress.reach(len(tally.results), tally.clips, tally.note())
        overview.refresh(tally.ordered)

    def on_frames(count: int) -> None:
        tally.add_frames(count)
        progress.tell(tally.note())

    return ListEvents(on_result, on_frames)


def _summary(request: RenderRequest, tally: RunTally, output: ManagedStore, started_s: float) -> RenderSummary:
    out = output.uri.rstrip("/")
    return RenderSummary(
        **tally.rows(),
        clips_done=tally.clips_done,
        clips_failed=tally.clips - tally.clips_done - tally.clips_skipped,
        clips_skipped=tally.clips_skipped,
        frames=tally.frames,
        seconds=round(time.monotonic() - started_s, 3),
        failures=dict(sorted(Counter(result.reason for result in tally.failed).items())),
        models=request.models,
        out=out,
        results=f"{out}/{RESULTS_FILE}",
        gallery=f"{out}/{GALLERY_FILE}",
    )
