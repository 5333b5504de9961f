"""A Prefect server as a child process: on a port of this machine alone, with a database in a folder, gone when its parent is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from urllib.parse import quote_from_bytes

from storage_schemas.errors import BuildFailedError

_START_TIMEOUT_S = 120.0
DATABASE_FILE, LOG_FILE = "prefect.db", "server.log"


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_server(folder: Path, port: int, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a server; it ends when its standard input does.

    Args:
        folder: for database and log.
        port: on 127.0.0.1.
        settings: Prefect's, as environment variables; a database that is named there is used instead of the folder's.
    """
    # As an address of SQLite, which undoes the quoting that SQLAlchemy leaves alone: a home may have spaces in its name.
    database = f"sqlite+aiosqlite:///file:{quote_from_bytes(os.fsencode(folder / DATABASE_FILE))}?uri=true"
    environment = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database, **settings}
    return start_child(["infra.local_prefect_server", str(port)], folder / LOG_FILE, environment)


def start_child(module_and_arguments: list[str], log_path: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a Python module as a child with a pipe as standard input and a log.

    Args:
        module_and_arguments: as after ``python -m``.
        log_path: file that it writes to, at its end; whoever wants it new removes it.
        settings: environment variables on top of this process's.
    """
    with log_path.open("a") as log:
        # In a session of its own: Ctrl-C reaches the whole group, and a client whose server is gone tries for a minute to tell it so.
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", *module_and_arguments],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, **settings},
            start_new_session=True,
        )


def wait_until_healthy(process: subprocess.Popen[bytes], port: int, log_path: Path) -> None:
    """Wait for a server to answer.

    Raises:
        BuildFailedError: it ends or stays silent; the message names its log.
    """
    deadline = time.perf_counter() + _START_TIMEOUT_S
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise BuildFailedError(f"the local Prefect server ended with status {process.returncode}; see {log_path}")
        if answers(f"http://127.0.0.1:{port}/api"):
            return
        time.sleep(0.1)
    raise BuildFailedError(f"the local Prefect server does not answer after {_START_TIMEOUT_S:.0f} s; see {log_path}")


def answers(api_url: str, timeout_s: float = 2.0) -> bool:
    """Say whether a Prefect API is there and well."""
    try:
        with urllib.request.urlopen(f"{api_url}/health", timeout=timeout_s):  # noqa: S310 - an http address
            return True
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def end_child(process: subprocess.Popen[bytes], time_to_stop_s: float = 5.0) -> None:
    """Close the pipe of a child, wait, and kill it if it is still there."""
    pipe: IO[bytes] | None = process.stdin
    if pipe is not None:
        pipe.close()
    try:
        process.wait(timeout=time_to_stop_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
