"""Trainings of small networks on a synthetic version: from nothing to loaded runs, and on after a kill."""

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
from pipelines.training.checkpoints import checkpoint_steps
from pipelines.training.images.image_run_settings import asked_config
from pipelines.training.images.run_loading import load_codebook, load_image_generator
from pipelines.training.images.version_frames import VersionFrames
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.training_runs import RunKind, run_folder
from tests.factories.dataset_versions import local_store
from tests.factories.image_trainings import small_config, small_spec, synthetic_frames, train_both, train_small
from tests.factories.repository import ROOT


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedStore]:
    with local_store(tmp_path_factory.mktemp("store")) as opened:
        yield opened


@pytest.fixture(scope="module")
def source(store: ManagedStore) -> VersionFrames:
    return synthetic_frames(store)


@pytest.fixture(scope="module")
def codebook(store: ManagedStore, source: VersionFrames) -> str:
    return train_small(store, source, small_config(source, RunKind.CODEBOOK, steps=20, adversarial_share=0.5)).card.run_id


def test_a_codebook_is_trained_and_loaded(store: ManagedStore, source: VersionFrames, codebook: str) -> None:
    loaded = load_codebook(store, f"codebook/{codebook[:6]}")
    card = loaded.card
    assert (card.steps, card.kept_step, card.dataset, card.codebook) == (20, 20, source.dataset, "")
    assert card.parents == [f"versions/{source.dataset}", f"face_models/{source.face_model}"]
    assert card.validation is not None
    assert {"psnr_db", "used_codes_share", "perplexity"} <= set(card.validation)
    assert {"discriminator", "adversarial", "code", "commitment"} <= set(card.losses)
    assert not any(parameter.requires_grad for parameter in loaded.codebook.parameters())
    for name in ("samples.png", "curves.png", "config.json"):
        assert store.exists(f"{run_folder(RunKind.CODEBOOK, codebook)}/{name}")
    assert "last 50%" in card.adversarial
    assert any("psnr_db" in line for line in card.lines())


def test_a_finished_run_is_found_again(store: ManagedStore, source: VersionFrames, codebook: str) -> None:
    again = train_small(store, source, small_config(source, RunKind.CODEBOOK, steps=20, adversarial_share=0.5))
    assert again.was_finished
    assert again.card.run_id == codebook


@pytest.mark.parametrize("variant", ["B", "B+W", "B+W+phi+M", "full"])
def test_generators_are_trained_and_loaded(store: ManagedStore, source: VersionFrames, codebook: str, variant: str) -> None:
    changes = {"variant": variant, "adversarial_share": 0.5 if variant == "full" else 0.0}
    trained = train_small(store, source, small_config(source, RunKind.VQIG, codebook, **changes))
    loaded = load_image_generator(store, f"vqig/{trained.card.run_id}")
    assert loaded.card.codebook == codebook
    assert loaded.card.parents[-1] == run_folder(RunKind.CODEBOOK, codebook)
    assert loaded.generator.settings.variant == variant
    assert loaded.generator.settings.bootstrap == (variant != "B")
    assert torch.equal(loaded.generator.mapping.mean, loaded.statistics["mean"])
    assert loaded.settings.window_iods == small_spec(RunKind.VQIG).window_iods
    stored = store.read_bytes(f"{run_folder(RunKind.VQIG, trained.card.run_id)}/weights.safetensors")
    assert b'"codebook.' not in stored


def test_variants_share_their_target_codes(store: ManagedStore, source: VersionFrames, codebook: str) -> None:
    train_small(store, source, small_config(source, RunKind.VQIG, codebook, steps=2))
    before = [(path, store.modified_s(path)) for path, _ in store.list_objects("parts/codes")]
    assert before
    train_small(store, source, small_config(source, RunKind.VQIG, codebook, steps=2, variant="B"))
    assert [(path, store.modified_s(path)) for path, _ in store.list_objects("parts/codes")] == before


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not(store: ManagedStore, source: VersionFrames) -> None:
    """Removing the card and the last checkpoint is what a kill leaves."""
    config = small_config(source, RunKind.CODEBOOK, steps=44, seed=5, adversarial_share=0.5)
    whole = train_small(store, source, config)
    path = run_folder(RunKind.CODEBOOK, whole.card.run_id)
    store.delete(f"{path}/card.json")
    assert checkpoint_steps(store, path) == [40, 44]
    store.delete_folder(f"{path}/checkpoints/step-000044")
    resumed = train_small(store, source, config)
    assert resumed.resumed_step == 40
    assert resumed.card.weights_sha256 == whole.card.weights_sha256


def test_requests_that_cannot_be_met(store: ManagedStore, source: VersionFrames, codebook: str) -> None:
    with pytest.raises(BadInputError, match="0 finished runs"):
        asked_config(RunKind.VQIG, source, small_spec(RunKind.VQIG), "nonesuch", "")
    with pytest.raises(BadInputError, match="set window_iods to the codebook's"):
        train_small(store, source, small_config(source, RunKind.VQIG, codebook, window_iods=3.5))
    with pytest.raises(BadInputError, match="must divide batch_frames"):
        train_small(store, source, small_config(source, RunKind.CODEBOOK, seed=9), devices=3)


def test_damage_is_found(store: ManagedStore, source: VersionFrames) -> None:
    run_id = train_small(store, source, small_config(source, RunKind.CODEBOOK, steps=1, seed=3)).card.run_id
    store.write_bytes(f"{run_folder(RunKind.CODEBOOK, run_id)}/weights.safetensors", b"nothing")
    with pytest.raises(StoreError, match="SHA-256"):
        load_codebook(store, run_id)
    store.delete(f"{run_folder(RunKind.CODEBOOK, run_id)}/card.json")


@pytest.mark.chaos
def test_killed_trainings_go_on_bit_for_bit(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.factories.image_trainings", str(tmp_path / "killed")]
    kinds = (RunKind.CODEBOOK, RunKind.VQIG)
    with local_store(tmp_path / "killed") as killed:
        for kind in kinds:  # killed once in each training
            with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}) as child:
                _wait_for_checkpoint(killed, kind, child)
                child.send_signal(signal.SIGKILL)
                assert child.wait(30) == -signal.SIGKILL
        resumed = train_both(killed.uri, steps=160)
    unbroken = train_both(str(tmp_path / "unbroken"), steps=160)
    assert resumed[0].was_finished
    assert 0 < resumed[1].resumed_step < 160
    assert [run.card.weights_sha256 for run in resumed] == [run.card.weights_sha256 for run in unbroken]


def _wait_for_checkpoint(store: ManagedStore, kind: RunKind, child: subprocess.Popen[bytes]) -> None:
    deadline = time.perf_counter() + 200
    while not any(checkpoint_steps(store, run_folder(kind, run)) for run in store.list_folders(f"runs/{kind.value}")):
        assert child.poll() is None, "the training ended before it could be killed"
        assert time.perf_counter() < deadline
        time.sleep(0.005)
