"""What `flowvqtalker up` starts on one machine: a Prefect server with its page, deployments, and a worker for each work pool.

Everything lives in one folder: lock, state, the server's database, a log for each process. Processes that die are started again;
when this one ends, in whatever way, they end with it.
"""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from infra.deployment_file import DeploymentFile, WorkPool, read_deployments
from infra.parent_watch import stop_children_of
from infra.prefect_http import PrefectHttp, online_workers
from infra.server_process import LOG_FILE, answers, end_child, free_port, start_child, start_server, wait_until_healthy
from infra.services_state import ServicesState
from storage_schemas.errors import BuildFailedError

_LOG = logging.getLogger(__name__)
_APPLY_TIMEOUT_S = 180.0
_START_TIMEOUT_S = 120.0
_WORKER_STOP_S = 30.0
_RESTART_PAUSE_S = 5.0
_WATCH_EVERY_S = 1.0
_LOOK_FOR_RUNS_EVERY_S = "5"
"""Prefect's own is 10: what a chunk of a list, or somebody who has pressed a button, waits for a free worker."""
_PR_SET_CHILD_SUBREAPER = 36
DEPLOYMENTS_LOG = "deployments.log"


@dataclass
class _Kept:
    """A child that is started again when it dies."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes]
    stop_s: float
    restarts: int = 0
    died_s: float = field(default=0.0)


class LocalServices:
    """Server, deployments and workers of one machine; a context manager.

    Args:
        folder: for everything that is kept; the caller holds its lock.
        deployments: file of deployments.
        settings: environment variables of everything that is started.
        port: of the server on 127.0.0.1; 0: a free one.

    Raises:
        BadInputError: the file of deployments is wrong.
        BuildFailedError: a process does not start; the message names its log.
    """

    def __init__(self, folder: Path, deployments: Path, settings: dict[str, str], port: int = 0) -> None:
        self._folder, self._deployments, self._settings = folder, deployments, settings
        self._port = port or free_port()
        self._file: DeploymentFile = read_deployments(deployments, settings)
        self._kept: list[_Kept] = []
        self.api_url = f"http://127.0.0.1:{self._port}/api"
        self.page = f"http://127.0.0.1:{self._port}"
        self.applied: list[str] = []

    def __enter__(self) -> LocalServices:
        _adopt_orphans()
        for old in self._folder.glob("*.log"):
            old.unlink()
        try:
            # All at once: each imports for seconds, then waits for what it needs of the one before.
            self._keep("server", self._start_server, stop_s=5.0)
            applying = self._start_applying()
            for pool in self._file.work_pools:
                self._keep(f"worker {pool.name}", lambda pool=pool: self._start_worker(pool), stop_s=_WORKER_STOP_S)  # type: ignore[misc]
            wait_until_healthy(self._kept[0].process, self._port, self._folder / LOG_FILE)
            self.applied = self._applied(applying)
            self._await_workers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for kept in reversed(self._kept):
            with suppress(OSError):
                end_child(kept.process, kept.stop_s)
        self._kept.clear()
        stop_children_of(psutil.Process(), time_to_stop_s=5.0)

    def state(self, store: str) -> ServicesState:
        """Return what others need to know of it."""
        return ServicesState(
            pid=psutil.Process().pid,
            page=self.page,
            api_url=self.api_url,
            store=store,
            deployments=self.applied,
            work_pools=[pool.name for pool in self._file.work_pools],
            processes={kept.name: kept.process.pid for kept in self._kept},
            restarts={kept.name: kept.restarts for kept in self._kept if kept.restarts},
        )

    def watch(self, ended: threading.Event, on_restart: Callable[[str], None]) -> None:
        """Start again what dies until `ended` is set; tell its name each time."""
        while not ended.wait(_WATCH_EVERY_S):
            for kept in self._kept:
                if kept.process.poll() is not None and self._due(kept):
                    _LOG.warning("%s ended with status %s and is started again", kept.name, kept.process.returncode)
                    kept.process = kept.start()
                    kept.restarts, kept.died_s = kept.restarts + 1, 0.0
                    on_restart(kept.name)

    def _due(self, kept: _Kept) -> bool:
        """Say whether a dead child's pause is over; a worker waits for the server, without which it would die again."""
        kept.died_s = kept.died_s or time.monotonic()
        waited = time.monotonic() - kept.died_s >= _RESTART_PAUSE_S
        return kept.name == "server" or (waited and answers(self.api_url))

    def _keep(self, name: str, start: Callable[[], subprocess.Popen[bytes]], stop_s: float) -> None:
        self._kept.append(_Kept(name, start, start(), stop_s))

    def _await_workers(self) -> None:
        """Wait until each pool's worker has been heard of."""
        api, deadline = PrefectHttp(self.api_url), time.monotonic() + _START_TIMEOUT_S
        for pool in self._file.work_pools:
            while not online_workers(api, pool.name):
                if time.monotonic() > deadline:
                    raise BuildFailedError(f"the worker of {pool.name!r} does not start; see {self._folder / f'worker-{pool.name}.log'}")
                time.sleep(0.2)

    def _start_server(self) -> subprocess.Popen[bytes]:
        own = {
            "PREFECT_SERVER_UI_ENABLED": "true",
            "PREFECT_SERVER_UI_V2_ENABLED": "false",  # the new page asks an analytics service for its settings
            "PREFECT_UI_API_URL": self.api_url,
            "PREFECT_UI_STATIC_DIRECTORY": str(self._folder / "page"),
        }
        database = os.environ.get("PREFECT_SERVER_DATABASE_CONNECTION_URL")  # somebody's Postgres instead of a file here
        named = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database} if database else {}
        return start_server(self._folder, self._port, {**self._settings, **own, **named})

    def _start_worker(self, pool: WorkPool) -> subprocess.Popen[bytes]:
        settings = {**self._settings, "PREFECT_API_URL": self.api_url, "PREFECT_WORKER_QUERY_SECONDS": _LOOK_FOR_RUNS_EVERY_S}
        log = self._folder / f"worker-{pool.name}.log"
        return start_child(["infra.local_worker", pool.name, str(pool.concurrency_limit)], log, settings)

    def _start_applying(self) -> subprocess.Popen[str]:
        """Have a process put the deployments on the server; it needs torch, which this one does not."""
        command = [sys.executable, "-m", "infra.deployment_apply", str(self._deployments)]
        environment = {**os.environ, **self._settings, "PREFECT_API_URL": self.api_url}
        with (self._folder / DEPLOYMENTS_LOG).open("w") as errors:
            return subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment, text=True, start_new_session=True
            )

    def _applied(self, process: subprocess.Popen[str]) -> list[str]:
        """Wait for that process and return what it has put there."""
        log = self._folder / DEPLOYMENTS_LOG
        try:
            process.wait(_APPLY_TIMEOUT_S)  # its pipe stays open till then, for it ends with that; what it prints fits into the other one
        except subprocess.TimeoutExpired as error:
            msg = f"the deployments in {self._deployments} were not applied within {_APPLY_TIMEOUT_S:.0f} s; see {log}"
            raise BuildFailedError(msg) from error
        if process.returncode:
            last = (log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no message"])[-1]
            raise BuildFailedError(f"the deployments in {self._deployments} could not be applied: {last}; see {log}")
        return process.stdout.read().splitlines() if process.stdout else []


def _adopt_orphans() -> None:
    """Become the parent of what the workers leave behind if they are killed, so that it can be ended too (Linux)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
