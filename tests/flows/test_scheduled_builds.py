"""A schedule of some seconds, or of a minute, on a folder that grows: a new version when something is new, a word when nothing is."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.deployment_file import DEPLOYMENT_FILE
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.versions import read_tag, version_ids
from tests.factories.build_processes import CommandLine
from tests.factories.running_services import RunningServices, running_services

SCHEDULES = [{"interval": 15}, {"cron": "* * * * *"}]
_LOGGER = logging.getLogger(__name__)
_LIMIT_S = 400.0


def scheduled(schedule: dict[str, Any], folder: Path) -> Path:
    """Write a file of deployments whose build has a schedule and keeps one version."""
    content = yaml.safe_load(DEPLOYMENT_FILE.read_text())
    (build,) = [entry for entry in content["deployments"] if entry["name"] == "nightly"]
    build["schedules"] = [{**schedule, "slug": "often"}]
    build["parameters"]["request"] |= {"name": "grown", "keep_versions": 1, "settings": {"crop": {"size_px": 128}}}
    path = folder / "often.yaml"
    path.write_text(
        yaml.safe_dump({**content, "deployments": [build], "definitions": {"work_pools": content["definitions"]["work_pools"][:1]}})
    )
    return path


def done_after(services: RunningServices, moment: set[str]) -> tuple[str, str]:
    """Wait for a build that is not among those of `moment` to succeed, and return its id and what it says."""
    deadline = time.perf_counter() + _LIMIT_S
    while time.perf_counter() < deadline:
        for run in completed(services):
            if run["id"] not in moment:
                return run["id"], services.artifacts(run["id"])["dataset-version"]
        time.sleep(0.5)
    raise AssertionError(f"no further build is done: {[run['state_name'] for run in services.post('flow_runs/filter', {})]}")


def completed(services: RunningServices) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = services.post("flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}})
    return found


def started_since(services: RunningServices, source: Path, number: int, video: Path) -> set[str]:
    """Let a file appear, whole, and return the builds that may have missed it."""
    shutil.copy(video, source / f".{number}.part")
    (source / f".{number}.part").rename(source / f"{number}.mp4")
    return {run["id"] for run in services.post("flow_runs/filter", {}) if run["state_type"] != "SCHEDULED"}


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=["seconds", "minute"])
def test_a_growing_folder_gives_new_versions_and_then_nothing(schedule: dict[str, Any], tmp_path: Path, demo_corpus: Path) -> None:
    videos = sorted(demo_corpus.rglob("*.mp4"))
    source, store_uri = tmp_path / "source", tmp_path / "store"
    source.mkdir()
    for number, path in enumerate(videos[:2]):
        shutil.copy(path, source / f"{number}.mp4")

    arguments = ("--source", source, "--deployments", scheduled(schedule, tmp_path))
    with running_services(CommandLine(tmp_path / "home"), store_uri, *arguments) as services:
        first, said_first = done_after(services, set())
        seen = started_since(services, source, 2, videos[2])
        second, said_second = done_after(services, seen | {first})
        third, said_third = done_after(services, {run["id"] for run in completed(services)} | {second})
        for number, run in enumerate((first, second, third)):
            found = services.get(f"flow_runs/{run}")
            _LOGGER.info("build %d started %s and took %.1f s", number + 1, found["start_time"], found["total_run_time"])

    assert said_first.startswith("**First version**")
    assert said_second.startswith("**New version**")
    assert "1 added" in said_second
    assert said_third.startswith("**Nothing changed**")
    with open_store(str(store_uri), Settings()) as store:
        assert version_ids(store) == [read_tag(store, "latest").dataset_version]
