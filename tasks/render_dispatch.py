"""Chunks of a list on GPU workers: Dask workers with a resource, or flow runs of a work pool.

What goes to and fro is in the output folder, since neither arguments nor results of flow runs may be large.
"""

from __future__ import annotations

import atexit
import base64
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass

import orjson

from infra.gpu_dispatch import run_on_work_pool
from infra.managed_store import ManagedStore
from pipelines.rendering.batch.list_rendering import ListEvents
from storage_schemas.errors import StoreError
from storage_schemas.render_request import RenderRequest
from storage_schemas.render_results import PLANS_FOLDER, ClipResult
from tasks.render_workplace import RenderWorkplace
from tasks.script_plans import ListPlan, chunk_path, plan_id, read_chunk, write_chunk

GPU_RESOURCE = "GPU"


@dataclass
class ChunkResult:
    """What a GPU worker says of a chunk."""

    results: list[tuple[ClipResult, bool]]
    frames: int

    def to_json(self) -> bytes:
        """Return it as JSON, thumbnails in base64."""
        rows = [
            [{**result.model_dump(mode="json", exclude={"thumbnail"}), "thumbnail": base64.b64encode(result.thumbnail).decode()}, was_there]
            for result, was_there in self.results
        ]
        return orjson.dumps({"frames": self.frames, "results": rows})

    @classmethod
    def from_json(cls, data: bytes) -> ChunkResult:
        """Return what `to_json` wrote."""
        values = orjson.loads(data)
        rows = [
            (ClipResult.model_validate({**row, "thumbnail": base64.b64decode(row["thumbnail"])}), was_there)
            for row, was_there in values["results"]
        ]
        return cls(rows, values["frames"])


_GUARD = threading.Lock()
_WORKPLACE: list[RenderWorkplace] = []


def render_chunk_here(request: RenderRequest, plan: str, number: int) -> None:
    """Render a chunk in this process, which keeps the loaded models for the next one of the same request.

    Args:
        request: what is asked for, its models named in full.
        plan: of `plan_id`.
        number: of the chunk.

    Raises:
        BadInputError: a run is missing.
        StoreError: something cannot be read or written.
    """
    with _GUARD:
        workplace = _workplace(request)
        base, clips = read_chunk(workplace.output, chunk_path(plan, number))
        found = ChunkResult([], 0)

        def on_frames(count: int) -> None:
            found.frames += count

        workplace.render(base, [clips], ListEvents(lambda result, was_there: found.results.append((result, was_there)), on_frames))
        workplace.output.write_bytes(chunk_path(plan, number, "results"), found.to_json())


def _workplace(request: RenderRequest) -> RenderWorkplace:
    if _WORKPLACE and _WORKPLACE[0].request != request:
        _leave()
    if not _WORKPLACE:
        _WORKPLACE.append(RenderWorkplace(request).__enter__())
        atexit.register(_leave)
    return _WORKPLACE[0]


def _leave() -> None:
    while _WORKPLACE:
        _WORKPLACE.pop().__exit__(None, None, None)


@contextmanager
def _handed_over(request: RenderRequest, plan: ListPlan, output: ManagedStore) -> Iterator[str]:
    """Write the chunks of a plan to the output folder for as long as the context lasts; yield the plan's id."""
    name = plan_id(request, plan)
    for number, chunk in enumerate(plan.chunks):
        write_chunk(output, chunk_path(name, number), plan.base, chunk)
    yield name
    output.delete_folder(f"{PLANS_FOLDER}/{name}")


def render_on_dask(request: RenderRequest, plan: ListPlan, output: ManagedStore, scheduler: str, events: ListEvents) -> None:
    """Render a plan on the Dask workers of a scheduler that have a GPU as a resource.

    Args:
        request: what is asked for, its models named in full.
        plan: the list.
        output: the output folder.
        scheduler: address of the scheduler.
        events: who is told, chunk by chunk.

    Raises:
        StoreError, BadInputError: as `render_chunk_here`.
    """
    from distributed import Client  # noqa: PLC0415 - takes a second to import, and most lists are rendered without it

    from tasks.fan_out import FanOut  # noqa: PLC0415

    with _handed_over(request, plan, output) as name, Client(scheduler, set_as_default=False) as client:
        window = 2 * max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
        fan_out: FanOut[int] = FanOut(
            client, window, lambda number: (render_chunk_here, (request, name, number)), resources={GPU_RESOURCE: 1}
        )
        for number in range(len(plan.chunks)):
            fan_out.add(number, render_chunk_here, request, name, number)
        for number, _ in fan_out.run():
            _tell(output, name, number, events)


def render_on_work_pool(
    request: RenderRequest, plan: ListPlan, output: ManagedStore, deployment: str, events: ListEvents, at_once: int = 8
) -> None:
    """Render a plan by flow runs of `render_chunk` on a work pool.

    Args:
        request: what is asked for, its models named in full.
        plan: the list.
        output: the output folder.
        deployment: "render_chunk/deployment name".
        events: who is told, chunk by chunk.
        at_once: flow runs under way.

    Raises:
        BadInputError: there is no such deployment.
        BuildFailedError: a flow run ended otherwise than well.
    """
    with _handed_over(request, plan, output) as name, ThreadPoolExecutor(at_once) as threads:
        submit: Callable[[int], str] = lambda number: run_on_work_pool(  # noqa: E731
            deployment,
            {"request": request.model_dump(mode="json"), "plan": name, "chunk": number},
            {"plan": name, "chunk": number},
        )
        futures = {threads.submit(submit, number): number for number in range(len(plan.chunks))}
        for future in as_completed(futures):
            future.result()
            _tell(output, name, futures[future], events)


def _tell(output: ManagedStore, plan: str, number: int, events: ListEvents) -> None:
    try:
        data = output.read_bytes(chunk_path(plan, number, "results"))
    except FileNotFoundError as error:
        raise StoreError(f"{output.uri}: the results of chunk {number} are gone; run the list again") from error
    found = ChunkResult.from_json(data)
    events.on_frames(found.frames)
    for result, was_there in found.results:
        events.on_result(result, was_there)
