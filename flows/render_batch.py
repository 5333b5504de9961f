"""The flow `render_batch`: a script list in, a clip for each take of each row out.

Input: a script list and the runs of three networks. Output: clips, a table of results and a gallery in a folder. Schedule: by hand; what is
there is not made again, so running it once more makes what failed or is missing. Cost: a tiny model makes 20 to 60 frames a second on one
processor. Locally: ``flowvqtalker render --help``.
"""

from __future__ import annotations

from prefect import flow

from storage_schemas.render_request import RenderRequest
from storage_schemas.render_results import RenderSummary
from tasks.rendering import render_list


@flow(name="render_batch", flow_run_name="render {request.scripts}", persist_result=False, validate_parameters=True)
def render_batch(request: RenderRequest) -> RenderSummary:
    """Render what is missing of a list.

    Args:
        request: list, models, where clips go, and how they are made.

    Raises:
        BadInputError: the list is unusable as a whole, or a run is missing.
        StoreError: something cannot be read or written.
    """
    return render_list(request)
