"""A Prefect API for one command: the one the user has set up, or a private server that ends with this process.

Prefect's own ephemeral server outlives a killed parent and several of them share one SQLite file, which locks; ours watches its
parent through a pipe, and each runs on a database of its own: the first free folder ``server-0``, ``server-1``, ... of the home folder.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.server_process import LOG_FILE, end_child, free_port, start_server, wait_until_healthy
from storage_schemas.errors import BuildFailedError

# A server of one command has no deployments, queues or automations to look after; each service polls the database on its own clock
# and takes the processor from the build. What records runs, events and artifacts stays.
_IDLE_SERVICES = (
    "CANCELLATION_CLEANUP",
    "CLEANUP_RECONCILER",
    "DB_VACUUM",
    "FOREMAN",
    "LATE_RUNS",
    "PAUSE_EXPIRATIONS",
    "REPOSSESSOR",
    "SCHEDULER",
    "TRIGGERS",
)


@contextmanager
def prefect_api(home: Path) -> Iterator[str]:
    """Make sure that ``PREFECT_API_URL`` is set while the context lasts, and yield it. Call it before Prefect is imported.

    Args:
        home: folder for the server's database and log, made if it is not there.

    Raises:
        BuildFailedError: the private server does not start; the message names its log.
    """
    existing = os.environ.get("PREFECT_API_URL")
    if existing:
        yield existing
        return
    with _free_slot(home) as slot, _server(slot) as url:
        os.environ["PREFECT_API_URL"] = url
        try:
            yield url
        finally:
            del os.environ["PREFECT_API_URL"]


def quiet_prefect_environment(home: Path) -> None:
    """Set Prefect's environment defaults: no telemetry, its files below `home`, warnings only; what the user has set stays."""
    defaults = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",  # the command line says itself what went wrong
        "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
        "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical",  # a failing job is raised where the build waits for it
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


@contextmanager
def _free_slot(home: Path) -> Iterator[Path]:
    """Lock and yield the first database folder that no other process holds."""
    for number in range(1000):
        folder = home / f"server-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return
    msg = f"1000 servers seem to be running below {home}; remove stale lock files there"
    raise BuildFailedError(msg)


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """Run a Prefect server on a free port of this machine; it ends when this context, or this process, does."""
    port = free_port()
    (folder / LOG_FILE).unlink(missing_ok=True)
    settings = {
        "PREFECT_SERVER_UI_ENABLED": "false",
        **{f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false" for service in _IDLE_SERVICES},
    }
    process = start_server(folder, port, settings)
    try:
        wait_until_healthy(process, port, folder / LOG_FILE)
        yield f"http://127.0.0.1:{port}/api"
    finally:
        end_child(process)
