"""The flow `collect_garbage`: what no dataset version names goes from a store.

Input: a store. Output: the store without leftovers, and an artifact that says what went. Schedule: once a week. Cost: a request for every
hundred objects or so. Locally: ``flowvqtalker dataset gc --help``.
"""

from __future__ import annotations

from prefect import flow

from flows.run_names import named
from storage_schemas.run_forms import CollectRequest
from tasks.collecting import collect


@flow(name="collect_garbage", flow_run_name=named("collect"), persist_result=False, validate_parameters=True)
def collect_garbage(request: CollectRequest = CollectRequest()) -> int:  # noqa: B008 - frozen
    """Remove what no version names; what one names always stays.

    Args:
        request: which store, and what stays.

    Returns:
        Bytes that are free now, or would be.

    Raises:
        StoreError: the store cannot be read or written.
    """
    return collect(request)
