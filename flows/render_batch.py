"""The flow `render_batch`: a script list in, a clip for each take of each row out.

Input: a script list and the runs of three networks. Output: clips, a table of results and a gallery in a folder. Schedule: by hand; what is
there is not made again, so running it once more makes what failed or is missing. Cost: a tiny model makes 20 to 60 frames a second on one
processor. Locally: ``flowvqtalker render --help``. Elsewhere: with the address of a Dask scheduler, or by setting
``FLOWVQTALKER_RENDER_DEPLOYMENT`` to a deployment of the flow `render_chunk` on a work pool.
"""

from __future__ import annotations

from prefect import flow

from flows.run_names import named
from infra.settings import Settings
from storage_schemas.render_request import RenderRequest
from storage_schemas.render_results import RenderSummary
from tasks.render_dispatch import render_chunk_here
from tasks.rendering import RowsFailedError, render_list


@flow(name="render_batch", flow_run_name=named("render {scripts}"), persist_result=False, validate_parameters=True)
def render_batch(request: RenderRequest, scheduler: str = "") -> RenderSummary:
    """Render what is missing of a list; a run that leaves rows without a clip fails.

    Args:
        request: list, models, where clips go, and how they are made.
        scheduler: address of a Dask scheduler whose workers have the resource GPU, e.g. tcp://10.0.0.5:8786; empty: this machine, or where
            FLOWVQTALKER_RENDER_DEPLOYMENT says.

    Raises:
        RowsFailedError: some rows failed, the others are done.
        BadInputError: the list is unusable as a whole, or a run is missing.
        StoreError: something cannot be read or written.
    """
    summary = render_list(request.model_copy(update={"store": request.store or Settings().store}), scheduler)
    if summary.rows_failed:
        raise RowsFailedError(summary)
    return summary


@flow(name="render_chunk", flow_run_name="render chunk {chunk}", persist_result=False, validate_parameters=True)
def render_chunk(request: RenderRequest, plan: str, chunk: int) -> None:
    """Render a chunk of a list that `render_batch` has put into the output folder; it calls this, people do not.

    Args:
        request: of the list, its models named in full.
        plan: id of the plan.
        chunk: number of the chunk.

    Raises:
        BadInputError: a run is missing.
        StoreError: something cannot be read or written.
    """
    render_chunk_here(request, plan, chunk)
