"""The private Prefect server: one per process on its own database, gone with its process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.local_prefect import prefect_api, quiet_prefect_environment
from infra.server_process import DATABASE_FILE

_WAIT = "import time; from pathlib import Path; from infra.local_prefect import prefect_api\n"


def test_a_users_own_api_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example/api")
    with prefect_api(tmp_path) as url:
        assert url == "http://prefect.example/api"
    assert os.environ["PREFECT_API_URL"] == url
    assert not list(tmp_path.iterdir())


def test_the_environment_keeps_what_the_user_has_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "DEBUG")
    monkeypatch.delenv("DO_NOT_TRACK", raising=False)
    monkeypatch.delenv("PREFECT_HOME", raising=False)
    quiet_prefect_environment(tmp_path)
    assert os.environ["PREFECT_LOGGING_LEVEL"] == "DEBUG"
    assert os.environ["DO_NOT_TRACK"] == "1"
    assert os.environ["PREFECT_HOME"] == str(tmp_path / "prefect")


def test_every_run_that_several_ask_for_at_once_is_made_in_a_home_of_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    home = tmp_path / "a home, 100% #new"
    home.mkdir()
    with prefect_api(home) as url, ThreadPoolExecutor(4) as askers:
        _, flow = _posted(f"{url}/flows/", {"name": "flow"})
        ask = {"flow_id": flow["id"], "state": {"type": "SCHEDULED"}}
        answers = list(askers.map(lambda _: _posted(f"{url}/flow_runs/", ask), range(40)))
        _, count = _posted(f"{url}/flow_runs/count", {})
    assert {status for status, _ in answers} == {201}
    assert count == 40
    assert list(home.rglob(DATABASE_FILE)) != []


def _posted(address: str, body: dict[str, object]) -> tuple[int, Any]:
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})  # noqa: S310 - a local server
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - a local server
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


@pytest.mark.slow
def test_two_at_once_have_databases_of_their_own_and_a_killed_one_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    code = f"{_WAIT}with prefect_api(Path({str(tmp_path)!r})) as url:\n    print(url, flush=True)\n    time.sleep(600)"
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    other_url = other.stdout.readline().strip()
    server = psutil.Process(other.pid).children()[0]
    with prefect_api(tmp_path) as url:
        assert url != other_url
        assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["server-0", "server-1"]
        for healthy in (url, other_url):
            with urllib.request.urlopen(f"{healthy}/health", timeout=10) as answer:  # noqa: S310 - a local server
                assert answer.read() == b"true"
    assert "PREFECT_API_URL" not in os.environ
    other.kill()
    other.wait()
    other.stdout.close()
    deadline = time.perf_counter() + 10
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE and time.perf_counter() < deadline:
        time.sleep(0.1)
    assert not server.is_running() or server.status() == psutil.STATUS_ZOMBIE
