"""Putting work pools and deployments on a Prefect server. Run as a program: ``python -m infra.deployment_apply FILE``.

It is a program of its own since it imports every flow, torch included, and whoever starts a server has no further use for them.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound, ParameterTypeError
from prefect.flows import load_flow_from_entrypoint
from prefect.schedules import Cron, Interval
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker
from pydantic import ValidationError

from infra.deployment_file import DeploymentEntry, DeploymentFile, WorkPool, read_deployments
from infra.parent_watch import end_with_parent
from infra.server_process import answers
from storage_schemas.errors import BadInputError

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.schedules import Schedule

_SERVER_WITHIN_S = 120.0
_LOOK_EVERY_S = 0.2


def apply_deployments(found: DeploymentFile, folder: Path) -> list[str]:
    """Put the work pools and deployments of a file on the server of ``PREFECT_API_URL``; what is there is brought up to date.

    Args:
        found: the file.
        folder: where it lies.

    Returns:
        "flow name/deployment name" of each, a note behind those whose schedule is paused.

    Raises:
        BadInputError: a job template or a parameter is wrong.
    """
    with get_client(sync_client=True) as client:
        for pool in found.work_pools:
            _apply_pool(client, pool, folder)
    return [_apply_deployment(entry) for entry in found.deployments]


def _apply_pool(client: SyncPrefectClient, pool: WorkPool, folder: Path) -> None:
    template = json.loads((folder / pool.base_job_template).read_text(encoding="utf-8")) if pool.base_job_template else None
    try:
        client.read_work_pool(pool.name)
    except ObjectNotFound:
        client.create_work_pool(
            WorkPoolCreate(
                name=pool.name,
                type=pool.type,
                description=pool.description,
                concurrency_limit=pool.concurrency_limit,
                # Without one the first worker writes it, and two workers that start at once write at once, for which SQLite has a lock.
                base_job_template=template or _default_template(pool),
            )
        )
        return
    changes: dict[str, Any] = {"description": pool.description, "concurrency_limit": pool.concurrency_limit}
    client.update_work_pool(pool.name, WorkPoolUpdate(**changes, **({"base_job_template": template} if template else {})))


def _default_template(pool: WorkPool) -> dict[str, Any]:
    if pool.type != "process":
        raise BadInputError(f"the work pool {pool.name!r} is of type {pool.type}: name its base_job_template, a JSON file")
    return ProcessWorker.get_default_base_job_template()


def _apply_deployment(entry: DeploymentEntry) -> str:
    flow: Flow[..., Any] = load_flow_from_entrypoint(entry.entrypoint, use_placeholder_flow=False)
    missing = _missing_parameters(flow, entry.parameters) if entry.schedules else []  # the rest is asked for in a form
    deployment = RunnerDeployment.from_flow(
        flow,
        name=entry.name,
        description=entry.description,
        tags=entry.tags,
        parameters=entry.parameters,
        concurrency_limit=ConcurrencyLimitConfig(
            limit=entry.concurrency_limit.limit,
            collision_strategy=ConcurrencyLimitStrategy(entry.concurrency_limit.collision_strategy),
        ),
        schedules=_schedules(entry, active=not missing),
        work_pool_name=entry.work_pool.name,
        job_variables=entry.work_pool.job_variables,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    deployment.apply()
    paused = f" (schedule paused: no {', '.join(missing)})" if missing and entry.schedules else ""
    return f"{flow.name}/{entry.name}{paused}"


def _schedules(entry: DeploymentEntry, *, active: bool) -> list[Schedule]:
    return [
        Cron(item.cron, timezone=item.timezone, active=active and item.active, slug=item.slug)
        if item.cron
        else Interval(item.interval, active=active and item.active, slug=item.slug)
        for item in entry.schedules
    ]


def _missing_parameters(flow: Flow[..., Any], parameters: dict[str, Any]) -> list[str]:
    """Return the names of what a scheduled run would lack.

    Raises:
        BadInputError: a parameter that is given is wrong.
    """
    try:
        flow.validate_parameters(parameters)
    except ParameterTypeError as error:
        found = _problems(error)
        missing = [name for name, kind, _ in found if kind == "missing"]
        wrong = [f"{name}: {message}" for name, kind, message in found if kind != "missing"]
        if wrong:
            raise BadInputError(f"parameters of {flow.name}: {'; '.join(wrong)}") from error
        return missing
    return []


def _problems(error: ParameterTypeError) -> list[tuple[str, str, str]]:
    """Return (name, kind, message) of each problem that pydantic found."""
    found = error.__context__
    if not isinstance(found, ValidationError):
        return [("parameters", "", str(error))]
    return [(".".join(map(str, item["loc"])), item["type"], item["msg"]) for item in found.errors()]


def _await_server(api_url: str) -> None:
    """Wait for a server; whoever started it says so if it does not come."""
    deadline = time.monotonic() + _SERVER_WITHIN_S
    while not answers(api_url):
        if time.monotonic() > deadline:
            raise BadInputError(f"no Prefect server answers at {api_url}")
        time.sleep(_LOOK_EVERY_S)


def main() -> None:
    """Apply the file named by the only argument and print a line for each deployment; the server may still be starting."""
    end_with_parent()
    path = Path(sys.argv[1])
    try:
        found = read_deployments(path)
        for entry in found.deployments:
            load_flow_from_entrypoint(entry.entrypoint, use_placeholder_flow=False)  # takes seconds, in which the server starts
        _await_server(os.environ["PREFECT_API_URL"])
        applied = apply_deployments(found, path.parent)
    except BadInputError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    for line in applied:
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
