"""`up` starts everything and ends everything; `status` says what is wrong."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from tests.factories.build_processes import CommandLine
from tests.factories.running_services import RunningServices, running_services


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServices]:
    folder = tmp_path_factory.mktemp("up")
    with running_services(CommandLine(folder / "home"), folder / "store") as started:
        yield started


def test_status_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.command_line import app  # noqa: PLC0415

    monkeypatch.setenv("FLOWVQTALKER_HOME", str(tmp_path))

    done = CliRunner().invoke(app, ["status", "--json"])

    assert done.exit_code == 1
    assert json.loads(done.stdout)["up"] is False


def test_deploy_needs_the_address_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.command_line import app  # noqa: PLC0415
    from storage_schemas.errors import BadInputError  # noqa: PLC0415

    monkeypatch.delenv("PREFECT_API_URL", raising=False)

    done = CliRunner().invoke(app, ["deploy"])

    assert isinstance(done.exception, BadInputError)
    assert "PREFECT_API_URL" in str(done.exception)


@pytest.mark.slow
def test_everything_is_up(services: RunningServices) -> None:
    done = services.command_line.run("status", "--json")

    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert report["workers"] == {"cpu": 1, "gpu": 1}
    assert report["problems"] == []
    assert report["deployments"]["build_dataset/nightly"] == "schedule paused"


@pytest.mark.slow
def test_a_second_one_says_that_it_is_up(services: RunningServices, tmp_path: Path) -> None:
    done = services.command_line.run("up", "--store", tmp_path)

    assert done.returncode == 2
    assert f"up already: its page is {services.page}" in done.stderr
    assert services.process.poll() is None


@pytest.mark.slow
def test_a_worker_that_dies_is_started_again_and_status_says_so(services: RunningServices) -> None:
    psutil.Process(services.state["processes"]["worker cpu"]).kill()
    deadline = time.perf_counter() + 60

    while True:
        report = json.loads(services.command_line.run("status", "--json").stdout)
        if report["problems"]:
            break
        assert time.perf_counter() < deadline
        time.sleep(0.5)

    assert report["problems"] == ["worker cpu had to be started again 1 time(s); see its log"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_it_ends_what_it_started(tmp_path: Path, number: signal.Signals) -> None:
    command_line = CommandLine(tmp_path / "home")

    with running_services(command_line, tmp_path / "store") as started:
        assert len(command_line.processes()) >= 4
        os.kill(started.process.pid, number)
        started.process.wait(timeout=60)

    assert command_line.orphans() == []
    report = json.loads(command_line.run("status", "--json").stdout)
    assert report["up"] is False
    assert bool(report["problems"]) is (number is signal.SIGKILL)


@pytest.mark.slow
def test_a_port_that_is_taken_is_said(services: RunningServices, tmp_path: Path) -> None:
    port = services.page.rpartition(":")[2]

    done = CommandLine(tmp_path / "home").run("up", "--store", tmp_path / "store", "--port", port)

    assert done.returncode == 1
    assert f"port {port} of this machine is taken" in done.stderr
