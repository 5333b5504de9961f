"""Trainings of small judges on drawn faces: from nothing to judges that find what is there, and on after a stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.managed_store import ManagedStore
from pipelines.judging.clip_media import VersionMedia
from pipelines.judging.evaluation import evaluate_judges
from pipelines.judging.loading import load_judges
from pipelines.training.checkpoints import checkpoint_steps
from pipelines.training.trainings import finished_run
from storage_schemas.errors import BadInputError
from storage_schemas.judge_runs import JudgeRunCard
from storage_schemas.training_runs import RunKind, run_folder
from tests.factories.dataset_versions import local_store
from tests.factories.judge_trainings import (
    HELD_OUT_CLIPS,
    TRAINED_CLIPS,
    small_judge_config,
    talking_version,
    train_judge_in,
    train_small_judge,
)
from tests.factories.repository import ROOT
from tests.factories.talking_versions import TalkingRecording, publish_talking

JUDGES = (RunKind.SYNC, RunKind.EMOTION)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedStore]:
    with local_store(tmp_path_factory.mktemp("store")) as opened:
        yield opened


@pytest.fixture(scope="module")
def source(store: ManagedStore) -> VersionMedia:
    return talking_version(store)


@pytest.mark.parametrize("kind", JUDGES)
def test_a_judge_is_trained_and_found_again(store: ManagedStore, source: VersionMedia, kind: RunKind) -> None:
    config = small_judge_config(kind, source)
    trained = train_small_judge(store, source, config)
    card = trained.card
    assert (card.steps, card.dataset, card.parents) == (8, source.dataset, [f"versions/{source.dataset}"])
    assert card.clips == {"train": TRAINED_CLIPS, "validation": HELD_OUT_CLIPS}
    assert card.frames["validation"] == HELD_OUT_CLIPS * 40
    assert card.validation is not None
    assert card.validation["clips"] == 2
    assert [step for step, _ in trained.curves["validation"]] == [4, 8]
    for name in ("config.json", "curves.png", "weights.safetensors", "checkpoints/step-000008/state.json"):
        assert store.exists(f"{run_folder(kind, card.run_id)}/{name}")
    assert any(card.dataset in line for line in card.lines())
    assert train_small_judge(store, source, config).was_finished
    found = finished_run(store, config, JudgeRunCard)
    assert found is not None
    assert found.card == card


@pytest.mark.parametrize("kind", JUDGES)
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not(store: ManagedStore, source: VersionMedia, kind: RunKind) -> None:
    config = small_judge_config(kind, source, steps=24, seed=5)
    whole = train_small_judge(store, source, config)
    path = run_folder(kind, whole.card.run_id)
    store.delete(f"{path}/card.json")
    assert checkpoint_steps(store, path) == [20, 24]
    store.delete_folder(f"{path}/checkpoints/step-000024")
    resumed = train_small_judge(store, source, config)
    assert resumed.resumed_step == 20
    assert resumed.card.weights_sha256 == whole.card.weights_sha256
    assert resumed.card.validation == whole.card.validation


@pytest.mark.slow
def test_judges_find_what_is_there_in_clips_that_they_have_not_seen(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        publish_talking(store, [TalkingRecording(seed, "train" if seed < 40 else "validation") for seed in range(56)])
        source = VersionMedia(store, store.list_folders("versions")[0])
        changes = {"steps": 400, "window_frames": 16, "batch_windows": 8, "validate_every": 100}
        runs = [train_small_judge(store, source, small_judge_config(kind, source, **changes)).card.run_id for kind in JUDGES]
        shuffled = train_small_judge(store, source, small_judge_config(RunKind.EMOTION, source, shuffled_labels=True, **changes))
        found = evaluate_judges(load_judges(store, runs[0], runs[1]), source)
        control = evaluate_judges(load_judges(store, None, shuffled.card.run_id), source)
    assert found.sync is not None
    assert found.emotion is not None
    assert control.emotion is not None
    assert found.sync.found_share >= 0.9
    assert found.emotion.accuracy >= 0.9
    assert control.emotion.accuracy <= 0.4


def test_requests_that_cannot_be_met(store: ManagedStore, source: VersionMedia, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="must divide batch_windows"):
        train_small_judge(store, source, small_judge_config(RunKind.SYNC, source, seed=9), devices=3)
    with local_store(tmp_path) as other:
        publish_talking(other, [TalkingRecording(0, frames=10), TalkingRecording(8, frames=10)])
        media = VersionMedia(other, other.list_folders("versions")[0])
        with pytest.raises(BadInputError, match="no training clips of 24 frames or more"):
            train_small_judge(other, media, small_judge_config(RunKind.SYNC, media))
        with pytest.raises(BadInputError, match="training clips of 1 emotions"):
            train_small_judge(other, media, small_judge_config(RunKind.EMOTION, media))


@pytest.mark.chaos
@pytest.mark.parametrize("kind", JUDGES)
def test_killed_trainings_go_on_bit_for_bit(tmp_path: Path, kind: RunKind) -> None:
    command = [sys.executable, "-m", "tests.factories.judge_trainings", str(tmp_path / "killed"), kind.value]
    with local_store(tmp_path / "killed") as killed:
        with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}) as child:
            _wait_for_checkpoint(killed, kind, child)
            child.send_signal(signal.SIGKILL)
            assert child.wait(30) == -signal.SIGKILL
        resumed = train_judge_in(killed.uri, kind, steps=200)
    unbroken = train_judge_in(str(tmp_path / "unbroken"), kind, steps=200)
    assert 0 < resumed.resumed_step < 200
    assert resumed.card.weights_sha256 == unbroken.card.weights_sha256


def _wait_for_checkpoint(store: ManagedStore, kind: RunKind, child: subprocess.Popen[bytes]) -> None:
    deadline = time.perf_counter() + 200
    while not any(checkpoint_steps(store, run_folder(kind, run)) for run in store.list_folders(f"runs/{kind.value}")):
        assert child.poll() is None, "the training ended before it could be killed"
        assert time.perf_counter() < deadline
        time.sleep(0.005)
