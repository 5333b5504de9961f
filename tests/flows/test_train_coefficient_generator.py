"""The flow and its command, in a process of their own: trained once, found again, and drawn as an artifact."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.training.run_folder import load_coefficient_flow
from tests.factories.build_processes import CommandLine
from tests.factories.dataset_versions import local_store
from tests.factories.fitted_versions import publish_fitted


@pytest.mark.slow
def test_a_run_is_trained_once(tmp_path: Path, command_line: CommandLine) -> None:
    with local_store(tmp_path / "store") as store:
        version = publish_fitted(store).dataset_version
        command = ["train", "poseflow", "--store", store.uri, "--dataset", version[:8], "--steps", 20, "--set", "batch_windows=2"]
        first = command_line.run(*command, "--threads", 1, "--json")
        assert first.returncode == 0, first.stderr
        card = json.loads(first.stdout)
        assert (card["dataset"], card["steps"], card["was_finished"], card["validation"]) == (version, 20, False, None)
        assert card["parents"] == [f"versions/{version}", f"face_models/{card['face_model']}"]
        again = command_line.run(*command)
        assert again.returncode == 0
        assert "finished before" in again.stderr
        assert load_coefficient_flow(store, "poseflow/latest").card.run_id == card["run_id"]
    assert command_line.orphans() == []


@pytest.mark.slow
def test_two_processes_share_a_training(tmp_path: Path, command_line: CommandLine) -> None:
    with local_store(tmp_path / "store") as store:
        version = publish_fitted(store).dataset_version
        done = command_line.run(
            "train", "expflow", "--store", store.uri, "--dataset", version, "--steps", 4, "--set", "batch_windows=4",
            "--device", "cpu", "--devices", 2, "--threads", 1, "--json",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 4
    assert command_line.orphans() == []
