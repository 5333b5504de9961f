"""The flow and its commands, in processes of their own: a codebook, a generator on it, found again; two processes share a training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.training.images.run_loading import load_image_generator
from tests.factories.build_processes import CommandLine
from tests.factories.dataset_versions import local_store
from tests.factories.fitted_versions import publish_fitted

QUICK = ("--set", "unquantised_steps=2", "--set", "batch_frames=2", "--device", "cpu", "--threads", 1)


@pytest.mark.slow
def test_a_codebook_and_a_generator_are_trained_once(tmp_path: Path, command_line: CommandLine) -> None:
    with local_store(tmp_path / "store") as store:
        version = publish_fitted(store).dataset_version
        common = ("--store", store.uri, "--dataset", version[:8], *QUICK)
        made = command_line.run("train", "codebook", *common, "--steps", 4, "--json")
        assert made.returncode == 0, made.stderr
        codebook = json.loads(made.stdout)
        made = command_line.run("train", "vqig", *common, "--steps", 3, "--codebook", codebook["run_id"][:6], "--json")
        assert made.returncode == 0, made.stderr
        card = json.loads(made.stdout)
        assert (card["codebook"], card["steps"], card["was_finished"]) == (codebook["run_id"], 3, False)
        again = command_line.run("train", "vqig", *common, "--steps", 3)
        assert again.returncode == 0
        assert "finished before" in again.stderr
        assert load_image_generator(store, "vqig/latest").card.run_id == card["run_id"]
    assert command_line.orphans() == []


@pytest.mark.slow
def test_two_processes_share_a_training(tmp_path: Path, command_line: CommandLine) -> None:
    with local_store(tmp_path / "store") as store:
        version = publish_fitted(store).dataset_version
        common = ("--store", store.uri, "--dataset", version, *QUICK, "--devices", 2, "--set", "adversarial_share=0.5", "--json")
        for kind in ("codebook", "vqig"):
            done = command_line.run("train", kind, *common, "--steps", 6)
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["steps"] == 6
    assert command_line.orphans() == []
