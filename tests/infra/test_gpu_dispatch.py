"""Submitting or attaching, against a stand-in for the server's answers."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest

from infra import gpu_dispatch
from infra.gpu_dispatch import run_on_work_pool
from storage_schemas.errors import BadInputError, BuildFailedError


class Server:
    """Flow runs by idempotency key; a run has the states of `lives`, one at each look."""

    def __init__(self, lives: list[list[str]]) -> None:
        self.lives = lives
        self.runs: dict[str, SimpleNamespace] = {}

    def submit(self, _deployment: str, _parameters: dict[str, object], key: str) -> SimpleNamespace:
        if key not in self.runs:
            self.runs[key] = SimpleNamespace(id=key, name=key, left=list(self.lives[len(self.runs)]))
        run = self.runs[key]
        return SimpleNamespace(id=run.id, name=run.name, state=self._state(run))

    def read_flow_run(self, run_id: str) -> SimpleNamespace:
        run = self.runs[run_id]
        if len(run.left) > 1:
            run.left.pop(0)
        return SimpleNamespace(state=self._state(run))

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def _state(self, run: SimpleNamespace) -> SimpleNamespace:
        name = run.left[0]
        return SimpleNamespace(
            name=name, message="", is_final=lambda: name in ("Completed", "Failed"), is_completed=lambda: name == "Completed"
        )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    stand_in = Server([["Scheduled", "Running", "Completed"], ["Scheduled", "Failed"], ["Running", "Completed"]])
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setattr(gpu_dispatch, "_submitted", stand_in.submit)
    monkeypatch.setattr("prefect.client.orchestration.get_client", lambda **_: stand_in)
    return stand_in


def test_a_run_is_waited_for(server: Server) -> None:
    assert run_on_work_pool("flow/gpu", {}, {"a": 1}, poll_s=0).endswith("-0")
    assert len(server.runs) == 1


def test_asking_while_it_runs_attaches_and_asking_after_it_submits_anew(server: Server) -> None:
    first = server.submit("flow/gpu", {}, _key({"a": 1}))
    assert run_on_work_pool("flow/gpu", {}, {"a": 1}, poll_s=0) == first.id
    assert len(server.runs) == 1
    with pytest.raises(BuildFailedError, match="ended as Failed"):
        run_on_work_pool("flow/gpu", {}, {"a": 1}, poll_s=0)
    assert run_on_work_pool("flow/gpu", {}, {"a": 1}, poll_s=0).endswith("-2")


def test_a_server_that_is_away_for_a_moment_is_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [httpx.ConnectError("refused"), None]
    read = server.read_flow_run

    def sometimes(run_id: str) -> SimpleNamespace:
        error = answers.pop(0) if answers else None
        if error is not None:
            raise error
        return read(run_id)

    monkeypatch.setattr(server, "read_flow_run", sometimes)

    assert run_on_work_pool("flow/gpu", {}, {"a": 1}, poll_s=0).endswith("-0")
    assert answers == []


def test_a_server_that_stays_away_ends_the_wait(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(run_id: str) -> SimpleNamespace:
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(server, "read_flow_run", refuse)
    monkeypatch.setattr(gpu_dispatch, "_LONGEST_SILENCE_S", 0.0)

    with pytest.raises(BuildFailedError, match="server is silent"):
        run_on_work_pool("flow/gpu", {}, {"a": 1}, poll_s=0)


def test_no_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(BadInputError, match="PREFECT_API_URL"):
        run_on_work_pool("flow/gpu", {}, {})


def _key(identity: dict[str, object]) -> str:
    return f"{gpu_dispatch.content_hash(identity)}-0"
