"""`flowvqtalker up` as a process of its own, and the API of its server."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.prefect_http import answered
from tests.factories.build_processes import CommandLine

_STARTED_WITHIN_S = 280.0
_STOPPED_WITHIN_S = 60.0


@dataclass(frozen=True)
class RunningServices:
    """What is up.

    Attributes:
        process: of `up`.
        state: what it printed.
    """

    command_line: CommandLine
    process: subprocess.Popen[str]
    state: dict[str, Any]

    @property
    def page(self) -> str:
        """Address of the page."""
        return str(self.state["page"])

    @property
    def api_url(self) -> str:
        """Address of the API."""
        return str(self.state["api_url"])

    def post(self, path: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Send a request to the API and return its answer."""
        request = urllib.request.Request(  # noqa: S310 - a server on this machine
            f"{self.api_url}/{path}", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}, method="POST"
        )
        return json.loads(answered(request, 30))

    def get(self, path: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return what the API says at a path."""
        return json.loads(answered(urllib.request.Request(f"{self.api_url}/{path}"), 30))  # noqa: S310 - a server on this machine

    def started_run(self, deployment: str, parameters: dict[str, Any]) -> str:
        """Start a run of "flow/deployment" and return its id."""
        found = self.get(f"deployments/name/{deployment}")
        return str(self.post(f"deployments/{found['id']}/create_flow_run", {"parameters": parameters})["id"])

    def ended_run(self, run_id: str, within_s: float = 180.0) -> dict[str, Any]:
        """Wait for a run and return it."""
        deadline = time.perf_counter() + within_s
        while True:
            run: dict[str, Any] = self.get(f"flow_runs/{run_id}")
            if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                return run
            assert time.perf_counter() < deadline, f"the run is still {run['state_name']}"
            time.sleep(0.5)

    def artifacts(self, run_id: str) -> dict[str, Any]:
        """Return the data of a run's artifacts by key."""
        found = self.post("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run_id]}}})
        return {artifact["key"]: artifact["data"] for artifact in found}


@contextmanager
def running_services(command_line: CommandLine, store: Path | str, *arguments: object) -> Iterator[RunningServices]:
    """Start `up`, and end it with the context; whatever it leaves running is an error."""
    process = command_line.start("up", "--store", store, "--port", 0, "--json", *arguments)
    try:
        yield RunningServices(command_line, process, _printed(process))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=_STOPPED_WITHIN_S)
        finally:
            process.kill()
            process.wait()
    assert command_line.orphans() == []


def _printed(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Read the one JSON object that `up --json` prints when all is up."""
    assert process.stdout is not None
    text, deadline = "", time.perf_counter() + _STARTED_WITHIN_S
    for line in process.stdout:
        text += line
        if line == "}\n":
            found: dict[str, Any] = json.loads(text)
            return found
        assert time.perf_counter() < deadline
    assert process.stderr is not None
    raise AssertionError(process.stderr.read())
