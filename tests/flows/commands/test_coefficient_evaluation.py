from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from flows.command_line import app
from pipelines.coefficient_evaluation.figure_list import FIGURES
from pipelines.training.coefficient_training import train_coefficients
from pipelines.training.run_settings import preset_training, run_config
from pipelines.training.trainings import RunOptions
from pipelines.training.version_sequences import VersionSequences
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import COEFFICIENT_KINDS, Preset
from tests.factories.dataset_versions import local_store
from tests.factories.fitted_versions import publish_fitted


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The options for a store with a version and a run of each kind, trained for one step."""
    threads = torch.get_num_threads()
    folder = tmp_path_factory.mktemp("store")
    opened = local_store(folder)
    version = publish_fitted(opened).dataset_version
    source = VersionSequences(opened, version)
    for kind in COEFFICIENT_KINDS:
        spec = preset_training(kind, Preset.TINY, steps=1, batch_windows=2)
        train_coefficients(opened, source, run_config(kind, source, spec), RunOptions(device="cpu", threads=1))
    yield ["--store", str(folder), "--dataset", version, "--device", "cpu"]
    torch.set_num_threads(threads)


def output_of(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["coefficients", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_evaluate_prints_every_figure_as_json(store: list[str]) -> None:
    found = json.loads(output_of("evaluate", *store, "--split", "train", "--seeds", "2", "--long-minutes", "0.02", "--json"))

    assert set(FIGURES) <= set(found)
    assert found["mouth_opening_r"] is not None
    assert len(found["clips"]) == 2


def test_evaluate_shows_a_table(store: list[str]) -> None:
    shown = output_of("evaluate", *store, "--split", "train", "--seeds", "2", "--long-minutes", "0")

    assert "on 2 clips of" in shown
    assert "not measured" in shown


def test_pictures_are_drawn(store: list[str], tmp_path: Path) -> None:
    found = json.loads(output_of("pictures", str(tmp_path / "drawn"), *store, "--split", "train", "--seeds", "2", "--json"))

    assert sorted(Path(name).name for name in found["files"]) == sorted(path.name for path in (tmp_path / "drawn").iterdir())


def test_ablation_of_imported_files(store: list[str], tmp_path: Path) -> None:
    for name in ("a", "b"):
        walk = np.cumsum(0.1 * np.random.default_rng(ord(name)).standard_normal((40, 257)), axis=0)
        np.save(tmp_path / f"{name}.npy", walk.astype(np.float32), allow_pickle=False)
    few = ["--imported", str(tmp_path), "--hold-out", "1", "--steps", "1", "--threads", "1", "--store", store[1], "--device", "cpu"]

    found = json.loads(output_of("ablation", str(tmp_path / "out"), *few, "--repetitions", "2", "--json"))

    assert len(found["runs"]) == 6
    assert len({run["run"] for run in found["runs"]}) == 6  # other files are held out each time
    assert (tmp_path / "out" / "ablation.md").read_text().count("\n") == 5
    assert json.loads((tmp_path / "out" / "ablation.json").read_text())["runs"] == found["runs"]
    assert not (tmp_path / "out" / "latent-space.png").exists()  # no emotions to tell apart
    with pytest.raises(BadInputError, match="2 files, too few to hold 2 out"):
        output_of("ablation", str(tmp_path / "out"), *few, "--hold-out", "2")
