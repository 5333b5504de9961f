"""Where a training runs: in this process, or on a Prefect work pool with a GPU, by submitting it or attaching to what was submitted.

The name under which a flow run is asked for is a hash of what it computes (configuration and inputs), so asking twice, from two
terminals or after a lost connection, gives one run, and the second asker waits for it too. A run that is over is not attached to: the
next attempt gets the next number, and goes on from the last checkpoint in the store.
"""

from __future__ import annotations

import itertools
import logging
import os
import time
from typing import TYPE_CHECKING, Any

import httpx

from storage_schemas.errors import BadInputError, BuildFailedError
from storage_schemas.identifiers import content_hash

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

_LOG = logging.getLogger(__name__)
_POLL_S = 5.0
_MOST_ATTEMPTS = 100
_LONGEST_SILENCE_S = 600.0


def run_on_work_pool(deployment: str, parameters: dict[str, Any], identity: dict[str, Any], poll_s: float = _POLL_S) -> str:
    """Submit a flow run, or attach to the one that was submitted for the same thing, and wait until it is done.

    Args:
        deployment: "flow name/deployment name" on the server that ``PREFECT_API_URL`` names.
        parameters: of the flow, JSON values.
        identity: what the run computes, JSON values; equal ones are the same run.
        poll_s: seconds between two looks at its state.

    Returns:
        The id of the flow run.

    Raises:
        BadInputError: no server is named, or it has no such deployment.
        BuildFailedError: the flow run ended otherwise than well.
    """
    if not os.environ.get("PREFECT_API_URL"):
        raise BadInputError(f"the deployment {deployment} is on a Prefect server: set PREFECT_API_URL to its address")
    key = content_hash(identity)
    for attempt in itertools.islice(itertools.count(), _MOST_ATTEMPTS):
        run = _submitted(deployment, parameters, f"{key}-{attempt}")
        if run.state is None or not run.state.is_final():
            return _awaited(run, poll_s)
    raise BuildFailedError(f"{_MOST_ATTEMPTS} flow runs of {deployment} for the same training are over; look at them on the server")


def _submitted(deployment: str, parameters: dict[str, Any], key: str) -> FlowRun:
    """Return the flow run of a key, made now if there is none."""
    from prefect.deployments import run_deployment  # noqa: PLC0415 - Prefect takes a second to import
    from prefect.exceptions import ObjectNotFound  # noqa: PLC0415

    try:
        run: FlowRun = run_deployment(deployment, parameters=parameters, idempotency_key=key, timeout=0, as_subflow=False)  # type: ignore[assignment]
    except ObjectNotFound as error:
        raise BadInputError(f"the Prefect server has no deployment {deployment!r}; `prefect deployment ls` shows those it has") from error
    _LOG.info("flow run %s (%s)", run.name, key)
    return run


def _awaited(run: FlowRun, poll_s: float) -> str:
    from prefect.client.orchestration import get_client  # noqa: PLC0415 - Prefect takes a second to import

    with get_client(sync_client=True) as client:
        last_answer_s = time.monotonic()
        while True:
            try:
                state = client.read_flow_run(run.id).state
                last_answer_s = time.monotonic()
            except httpx.HTTPError as error:  # the run goes on without us
                state = None
                if time.monotonic() - last_answer_s > _LONGEST_SILENCE_S:
                    msg = f"the Prefect server is silent ({error}); flow run {run.name} may go on: ask again to wait for it"
                    raise BuildFailedError(msg) from error
            if state is not None and state.is_final():
                break
            time.sleep(poll_s)
    if not state.is_completed():
        raise BuildFailedError(f"flow run {run.name} ended as {state.name}: {state.message}; ask again to go on from its last checkpoint")
    return str(run.id)
