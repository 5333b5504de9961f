"""The flow and its commands, in processes of their own: judges are trained, found again, and take part in a build."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.judging.loading import load_judges
from tests.factories.build_processes import CommandLine
from tests.factories.dataset_versions import local_store
from tests.factories.talking_versions import TalkingRecording, publish_talking

QUICK = ("--steps", 3, "--set", "batch_windows=2", "--set", "window_frames=6", "--device", "cpu", "--threads", 1)


@pytest.mark.slow
def test_judges_are_trained_once(tmp_path: Path, command_line: CommandLine) -> None:
    with local_store(tmp_path / "store") as store:
        version = publish_talking(store, [TalkingRecording(seed, frames=26) for seed in range(3)]).dataset_version
        common = ("--store", store.uri, "--dataset", version[:8], *QUICK)
        for kind in ("sync", "emotion"):
            made = command_line.run("train", kind, *common, "--json")
            assert made.returncode == 0, made.stderr
            card = json.loads(made.stdout)
            assert (card["kind"], card["steps"], card["was_finished"], card["validation"]) == (kind, 3, False, None)
            again = command_line.run("train", kind, *common)
            assert again.returncode == 0
            assert "finished before" in again.stderr
        judges = load_judges(store, "sync/latest", "emotion/latest")
        assert judges.sync is not None
        assert judges.emotion is not None
    assert command_line.orphans() == []


@pytest.mark.slow
def test_two_processes_share_a_training(tmp_path: Path, command_line: CommandLine) -> None:
    with local_store(tmp_path / "store") as store:
        version = publish_talking(store, [TalkingRecording(seed, frames=26) for seed in range(3)]).dataset_version
        for kind in ("sync", "emotion"):
            done = command_line.run("train", kind, "--store", store.uri, "--dataset", version, *QUICK, "--devices", 2, "--json")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["steps"] == 3
    assert command_line.orphans() == []
