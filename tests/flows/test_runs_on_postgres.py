"""A build, trainings of some steps and a rendering on a Prefect server on a real Postgres; and one training asked for twice."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories.build_processes import CommandLine
from tests.factories.postgres import postgres_server
from tests.factories.render_stores import RenderStore, rows_of
from tests.factories.running_services import RunningServices, running_services

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServices]:
    folder = tmp_path_factory.mktemp("postgres")
    with postgres_server() as address:
        command_line = CommandLine(folder / "home", {"PREFECT_SERVER_DATABASE_CONNECTION_URL": address})
        with running_services(command_line, folder / "store") as started:
            yield started


@pytest.fixture(scope="module")
def built(services: RunningServices, demo_corpus: Path) -> str:
    """The store with a version that a flow run has built."""
    request = {"source": str(demo_corpus), "layout": "demo", "name": "postgres", "settings": {"crop": {"size_px": 128}}}
    store = str(services.state["store"])
    run = services.ended_run(services.started_run("build_dataset/nightly", {"request": {**request, "store": store}}), within_s=300)
    assert run["state_name"] == "Completed", run["state"]
    return store


def test_the_database_is_the_one_that_was_named(services: RunningServices) -> None:
    assert services.post("work_pools/filter", {})
    assert not (Path(services.command_line.home) / "up" / "prefect.db").exists()


def test_a_network_is_trained(services: RunningServices, built: str) -> None:
    request = {"network": "poseflow", "steps": 3, "store": built, "device": "cpu", "more": "{batch_windows: 2, validate_every: 3}"}

    run = services.ended_run(services.started_run("train_network/gpu", {"request": request}), within_s=300)

    assert run["state_name"] == "Completed", run["state"]
    assert list((Path(built) / "runs" / "poseflow").glob("*/card.json"))


def test_a_list_is_rendered(services: RunningServices, render_runs: RenderStore, tmp_path: Path) -> None:
    request = {"scripts": str(render_runs.write_list("postgres.csv", rows_of(2))), "store": render_runs.uri, "out": str(tmp_path / "out")}

    run = services.ended_run(services.started_run("render_batch/gpu", {"request": request}), within_s=300)

    assert run["state_name"] == "Completed", run["state"]
    assert len(list((tmp_path / "out").rglob("*.mp4"))) == 2


@pytest.mark.parametrize(("network", "flow"), [("codebook", "train_image_generator"), ("expflow", "train_coefficient_generator")])
def test_a_training_that_two_ask_for_at_once_runs_once(services: RunningServices, built: str, network: str, flow: str) -> None:
    environment = {"PREFECT_API_URL": services.api_url, "FLOWVQTALKER_GPU_DEPLOYMENT": "train_image_generator/gpu"}
    arguments = ("train", network, "--store", built, "--steps", "2", "--device", "cpu", "--json")
    asking = [CommandLine(services.command_line.home, environment).start(*arguments) for _ in range(2)]

    said = [_said(process) for process in asking]

    assert said[0]["run_id"] == said[1]["run_id"]
    flows = services.post("flows/filter", {"flows": {"name": {"any_": [flow]}}})
    runs = services.post("flow_runs/filter", {"flows": {"id": {"any_": [found["id"] for found in flows]}}})
    assert [run["state_name"] for run in runs if run["deployment_id"]] == ["Completed"]


def _said(process: subprocess.Popen[str]) -> dict[str, str]:
    output, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors
    found: dict[str, str] = json.loads(output)
    return found
