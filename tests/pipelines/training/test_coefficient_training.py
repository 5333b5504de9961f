from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from infra.managed_store import ManagedStore
from pipelines.training.checkpoints import checkpoint_steps, read_last_checkpoint
from pipelines.training.coefficient_training import train_coefficients
from pipelines.training.run_folder import RunFolder, list_runs, load_coefficient_flow, resolve_run, run_id_of
from pipelines.training.trainings import RunOptions
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.training_runs import COEFFICIENT_KINDS, EMOTIONS, RunCard, RunKind
from tests.factories.coefficient_sequences import MemorySequences, invented_source
from tests.factories.dataset_versions import local_store
from tests.factories.training_child import CHECKPOINT_EVERY, small_config, train_small

ROOT = Path(__file__).parents[3]
OPTIONS = RunOptions(device="cpu", threads=1, checkpoint_every=CHECKPOINT_EVERY)


class StoppedError(Exception):
    """Stands for whatever ends a training."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ManagedStore]:
    with local_store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedStore]:
    """A store with an unbroken run of each kind."""
    with local_store(tmp_path_factory.mktemp("unbroken")) as opened:
        for kind in COEFFICIENT_KINDS:
            train_small(opened.uri, kind)
        yield opened


def stopped_at(store: ManagedStore, kind: RunKind, step: int) -> None:
    """Train until a step has been done and then fail."""
    source = invented_source()

    def stop(done: int, total: int, note: str) -> None:
        if done >= step:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_coefficients(store, source, small_config(kind, source), OPTIONS, stop)


@pytest.mark.parametrize("kind", COEFFICIENT_KINDS)
def test_a_card_says_what_a_run_is(trained: ManagedStore, kind: RunKind) -> None:
    (card,) = list_runs(trained, kind)
    assert card.run_id == run_id_of(card.config)
    assert (card.dataset, card.parents) == ("0123456789abcdef", ["versions/invented"])
    assert (card.steps, card.stopped_by_time, card.clips) == (60, False, {"train": 9, "validation": 3})
    assert card.kept_step in (20, 40, 60)
    assert card.parameters > 1000
    assert card.seconds > 0
    assert card.validation is not None
    assert card.validation["nll_per_dimension"] < card.validation["nll_per_dimension_without_past"] + 0.5
    assert card.code_version.count("+") == 1
    assert card.lines()[0].startswith(f"{kind.value}/{card.run_id}")


def test_training_learns(trained: ManagedStore) -> None:
    state = read_last_checkpoint(trained, f"runs/expflow/{list_runs(trained, RunKind.EXPFLOW)[0].run_id}")
    assert state is not None
    losses = [value for _, value in state[0].curves["loss"]]
    assert losses[-1] < losses[0] - 0.02


@pytest.mark.parametrize("kind", COEFFICIENT_KINDS)
def test_a_loaded_run_has_all_that_sampling_needs(trained: ManagedStore, kind: RunKind) -> None:
    run = load_coefficient_flow(trained, f"{kind.value}/latest")
    features = 64 if kind is RunKind.EXPFLOW else 6
    assert not run.flow.training
    assert run.extras.latents["z"].shape[1] == features
    assert len(run.extras.latents["emotion"]) == len(run.extras.latents["z"])
    assert torch.equal(run.extras.statistics["center"], run.flow.center)
    assert run.extras.statistics["emotion_frames"].shape == (len(EMOTIONS),)
    assert (run.extras.statistics["smallest"] <= run.extras.statistics["largest"]).all()
    assert run.extras.blinks is None


@pytest.mark.parametrize("kind", COEFFICIENT_KINDS)
def test_going_on_gives_the_weights_of_an_unbroken_run(trained: ManagedStore, store: ManagedStore, kind: RunKind) -> None:
    stopped_at(store, kind, 40)
    assert list_runs(store, kind) == []
    result = train_small(store.uri, kind)
    assert result.resumed_step == 20
    assert result.card.weights_sha256 == list_runs(trained, kind)[0].weights_sha256


def test_a_finished_run_is_found(trained: ManagedStore) -> None:
    again = train_small(trained.uri, RunKind.POSEFLOW)
    assert again.was_finished
    assert again.card == list_runs(trained, RunKind.POSEFLOW)[0]
    assert again.curves["loss"][-1][0] == 60


def test_fresh_starts_over(store: ManagedStore) -> None:
    source = invented_source()
    config = small_config(RunKind.POSEFLOW, source, steps=20)
    train_coefficients(store, source, config, OPTIONS)
    again = train_coefficients(store, source, config, RunOptions(device="cpu", threads=1, fresh=True))
    assert not again.was_finished
    assert again.resumed_step == 0


def test_a_run_has_another_id_for_other_settings_and_data() -> None:
    source = invented_source()
    config = small_config(RunKind.EXPFLOW, source)
    assert run_id_of(small_config(RunKind.EXPFLOW, source)) == run_id_of(config)
    assert run_id_of(small_config(RunKind.EXPFLOW, source, seed=1)) != run_id_of(config)
    assert run_id_of(small_config(RunKind.POSEFLOW, source)) != run_id_of(config)
    source.dataset = "f" * 16
    assert run_id_of(small_config(RunKind.EXPFLOW, source)) != run_id_of(config)


def test_few_checkpoints_stay(trained: ManagedStore) -> None:
    path = f"runs/poseflow/{list_runs(trained, RunKind.POSEFLOW)[0].run_id}"
    assert checkpoint_steps(trained, path) == [40, 60]
    assert [name for name, _ in trained.list_objects(f"{path}/events")]
    assert trained.read_bytes(f"{path}/curves.png").startswith(b"\x89PNG")


def test_a_cap_ends_a_training(store: ManagedStore) -> None:
    source = invented_source()
    config = small_config(RunKind.POSEFLOW, source, steps=100_000, max_minutes=0.01)
    card = train_coefficients(store, source, config, OPTIONS).card
    assert card.stopped_by_time
    assert 0 < card.steps < 100_000


@pytest.mark.parametrize("changes", [{"consistency_weight": 0.5, "consistency_windows": 2}, {"latent": "gaussian", "past_dropout": 0}])
def test_other_losses(store: ManagedStore, changes: dict[str, object]) -> None:
    source = invented_source()
    card = train_coefficients(store, source, small_config(RunKind.EXPFLOW, source, steps=20, **changes), OPTIONS).card
    assert ("consistency" in card.losses) == ("consistency_weight" in changes)
    assert card.config.network["latent"] == changes.get("latent", "student_t")


def test_without_sound_and_without_validation(store: ManagedStore) -> None:
    source = invented_source(4, validation=0, audio=False)
    card = train_coefficients(store, source, small_config(RunKind.EXPFLOW, source, steps=20), OPTIONS).card
    assert card.validation is None
    assert not load_coefficient_flow(store, "expflow/latest").flow.config.has_audio


def test_nothing_to_train_on(store: ManagedStore) -> None:
    source = MemorySequences(list(invented_source(3, validation=3).sequences.values()))
    with pytest.raises(BadInputError, match="no clips with coefficients in the split train"):
        train_coefficients(store, source, small_config(RunKind.EXPFLOW, source), OPTIONS)


@pytest.mark.parametrize(("options", "message"), [(RunOptions(device="cuda"), "no CUDA device"), (RunOptions(devices=3), "must divide")])
def test_devices_that_are_not_there(store: ManagedStore, options: RunOptions, message: str) -> None:
    if options.device == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    source = invented_source()
    with pytest.raises(BadInputError, match=message):
        train_coefficients(store, source, small_config(RunKind.EXPFLOW, source), options)


@pytest.mark.parametrize("name", ["latest", "flow/latest", "expflow/0000", "expflow/"])
def test_names_that_mean_no_run(trained: ManagedStore, name: str) -> None:
    with pytest.raises(BadInputError, match="run"):
        resolve_run(trained, name)


def test_names_of_runs(trained: ManagedStore) -> None:
    card = list_runs(trained, RunKind.EXPFLOW)[0]
    assert resolve_run(trained, f"expflow/{card.run_id[:4]}") == card
    assert resolve_run(trained, "latest", RunKind.EXPFLOW) == card
    with pytest.raises(BadInputError, match="expected a run of poseflow"):
        resolve_run(trained, "expflow/latest", RunKind.POSEFLOW)


def test_damage_is_found(store: ManagedStore) -> None:
    train_small(store.uri, RunKind.POSEFLOW, steps=20)
    folder = RunFolder(store, RunKind.POSEFLOW, list_runs(store, RunKind.POSEFLOW)[0].run_id)
    store.write_bytes(f"{folder.path}/weights.safetensors", b"nothing")
    with pytest.raises(StoreError, match="SHA-256"):
        load_coefficient_flow(store, "poseflow/latest")
    store.write_bytes(f"{folder.path}/card.json", b"{}")
    with pytest.raises(StoreError, match="card of a run"):
        folder.read_card(RunCard)


@pytest.mark.chaos
def test_a_killed_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.factories.training_child", str(tmp_path / "killed"), RunKind.EXPFLOW.value]
    with (
        local_store(tmp_path / "killed") as store,
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}) as child,
    ):
        deadline = time.perf_counter() + 200
        while not any(checkpoint_steps(store, f"runs/expflow/{run}") for run in store.list_folders("runs/expflow")):
            assert child.poll() is None, "the training ended before it could be killed"
            assert time.perf_counter() < deadline
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL
        resumed = train_small(store.uri, RunKind.EXPFLOW, steps=400)
    assert 0 < resumed.resumed_step < 400
    assert resumed.card.weights_sha256 == train_small(str(tmp_path / "unbroken"), RunKind.EXPFLOW, steps=400).card.weights_sha256
