from __future__ import annotations

import csv
import json
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from flows.command_line import app
from pipelines.dataset.versions import set_tag
from pipelines.generation.coefficient_files import read_coefficients_file
from pipelines.training.coefficient_training import train_coefficients
from pipelines.training.run_settings import preset_training, run_config
from pipelines.training.trainings import RunOptions
from pipelines.training.version_sequences import VersionSequences
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import COEFFICIENT_KINDS, Preset
from tests.factories.dataset_versions import local_store
from tests.factories.fitted_versions import publish_fitted


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store with a version and a run of each kind, trained for one step."""
    threads = torch.get_num_threads()
    folder = tmp_path_factory.mktemp("store")
    opened = local_store(folder)
    version = publish_fitted(opened).dataset_version
    set_tag(opened, "latest", version, moved="2026-01-01T00:00:00Z")
    source = VersionSequences(opened, version)
    for kind in COEFFICIENT_KINDS:
        spec = preset_training(kind, Preset.TINY, steps=1, batch_windows=2)
        train_coefficients(opened, source, run_config(kind, source, spec), RunOptions(device="cpu", threads=1))
    torch.set_num_threads(1)
    yield folder
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    samples = 9000 * np.random.default_rng(0).normal(size=16000).clip(-3, 3)
    write_wav(path, samples.astype("<i2"))
    return path


def write_wav(path: Path, samples: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(samples.tobytes())


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["coefficients", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def sample(store: Path, speech: Path, out: Path, *more: object) -> dict[str, object]:
    both = ["--models", "expflow/latest", "--models", "poseflow/latest"]
    if not {"--emotion", "--reference"} & set(more):
        both += ["--emotion", "angry"]  # the version has no other clips
    found: dict[str, object] = json.loads(
        run("sample", *both, "--store", store, "--audio", speech, "--out", out, "--device", "cpu", "--json", *more)
    )
    return found


def test_a_sample_says_where_it_comes_from(store: Path, speech: Path, tmp_path: Path) -> None:
    found = sample(store, speech, tmp_path / "a.safetensors", "--seed", 7)
    stored = read_coefficients_file(tmp_path / "a.safetensors")

    assert stored.rho is not None
    assert (stored.beta.shape, stored.rho.shape) == ((25, 64), (25, 6))
    assert stored.card is not None
    assert found == {"files": [{"file": str(tmp_path / "a.safetensors"), **stored.card.model_dump(mode="json")}]}
    assert stored.card.seed == 7
    assert stored.card.audio["name"] == "speech.wav"
    assert set(stored.card.models) == {"expflow", "poseflow"}
    assert stored.card.models["expflow"]["dataset"]


def test_takes_differ_and_come_again(store: Path, speech: Path, tmp_path: Path) -> None:
    sample(store, speech, tmp_path / "a.npz", "--takes", 2, "--pose", "fixed")
    sample(store, speech, tmp_path / "b.npz", "--pose", "fixed")
    first, second, alone = (read_coefficients_file(tmp_path / name).beta for name in ("a-000.npz", "a-001.npz", "b.npz"))

    np.testing.assert_allclose(first, alone, atol=1e-4)
    assert np.abs(first - second).max() > 1e-3


def test_a_sample_can_be_a_reference_and_a_pose_to_follow(store: Path, speech: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    sample(store, speech, one)
    sample(store, speech, other, "--reference", one, "--pose", one, "--source", one)
    rho = [read_coefficients_file(path).rho for path in (one, other)]

    assert rho[0] is not None
    np.testing.assert_array_equal(rho[0], rho[1])
    card = read_coefficients_file(other).card
    assert card is not None
    assert card.reference["name"] == "a.safetensors"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--emotion", "joyful"), "unknown emotion 'joyful'"),
        (("--emotion", "neutral", "--reference", "x.png"), "not both"),
        (("--reference", "x.png"), "x.png"),
        (("--pose", "elsewhere.npz"), "elsewhere.npz"),
        (("--device", "tpu"), "tpu"),
    ],
)
def test_what_cannot_be_is_named(store: Path, speech: Path, tmp_path: Path, more: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        sample(store, speech, tmp_path / "a.npz", *more)
    assert list(tmp_path.iterdir()) == []


def test_sound_that_cannot_be_used_is_named(store: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "empty.wav", np.zeros(0, "<i2"))
    for name in ("empty.wav", "missing.wav"):
        with pytest.raises(BadInputError, match=name):
            sample(store, tmp_path / name, tmp_path / "a.npz")


def test_a_file_of_another_kind_is_not_written(store: Path, speech: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="safetensors"):
        sample(store, speech, tmp_path / "a.mp4")


def test_clips_are_ranked_and_written(store: Path, tmp_path: Path) -> None:
    clips, frames = tmp_path / "clips.csv", tmp_path / "frames.csv"
    found = json.loads(
        run("likelihood", "latest", "--models", "expflow/latest", "--store", store, "--out", clips, "--frames", frames, "--json")
    )

    rows = list(csv.DictReader(clips.open()))
    assert len(rows) == found["clips"] == len(found["rows"]) > 0
    assert [float(row["deviations"]) for row in rows] == sorted((float(row["deviations"]) for row in rows), reverse=True)
    assert sum(int(row["frames"]) for row in rows) == len(frames.read_text().splitlines()) - 1


def test_clips_are_ranked_for_people(store: Path) -> None:
    assert "least likely" in run("likelihood", "latest", "--models", "expflow/latest", "--store", store, "--limit", 2, "--device", "cpu")
