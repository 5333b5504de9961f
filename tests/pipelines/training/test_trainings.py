from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.managed_store import ManagedStore
from pipelines.training.trainings import RunOptions, default_threads, finished_run, new_fabric
from storage_schemas.errors import BadInputError
from storage_schemas.image_runs import ImageTrainingSpec
from storage_schemas.judge_runs import JudgeRunCard, JudgeTrainingSpec
from storage_schemas.training_runs import CARD_FILE, RunKind, TrainingSpec, run_folder
from tests.factories.dataset_versions import local_store
from tests.factories.judge_runs import store_judge


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ManagedStore]:
    with local_store(tmp_path / "store") as opened:
        yield opened


@pytest.mark.parametrize(
    ("spec", "setting"),
    [
        (TrainingSpec(batch_windows=4), "batch_windows"),
        (JudgeTrainingSpec(batch_windows=4), "batch_windows"),
        (ImageTrainingSpec(batch_frames=4), "batch_frames"),
    ],
)
def test_processes_must_divide_the_batch(spec: TrainingSpec | JudgeTrainingSpec | ImageTrainingSpec, setting: str) -> None:
    with pytest.raises(BadInputError, match=f"--devices 3 must divide {setting}, which is 4"):
        new_fabric(RunOptions(device="cpu", devices=3), spec)
    assert new_fabric(RunOptions(device="cpu"), spec).device.type == "cpu"


def test_a_run_is_found_when_it_has_a_card(store: ManagedStore) -> None:
    path = run_folder(RunKind.EMOTION, store_judge(store, RunKind.EMOTION))
    card = JudgeRunCard.model_validate_json(store.read_bytes(f"{path}/{CARD_FILE}"))
    found = finished_run(store, card.config, JudgeRunCard)
    assert found is not None
    assert (found.card, found.was_finished, found.resumed_step, found.curves) == (card, True, 0, {})
    other = card.config.model_copy(update={"training": card.config.training.model_copy(update={"seed": 1})})
    assert finished_run(store, other, JudgeRunCard) is None


def test_some_threads_are_used() -> None:
    assert default_threads() >= 1
