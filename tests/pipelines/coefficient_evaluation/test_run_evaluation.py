from __future__ import annotations

from pathlib import Path

import pytest

from infra.managed_store import ManagedStore
from pipelines.coefficient_evaluation.figure_list import FIGURES
from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings
from pipelines.coefficient_evaluation.run_evaluation import evaluate_runs
from pipelines.generation.run_loading import LATEST_RUNS
from pipelines.training.coefficient_training import train_coefficients
from pipelines.training.run_settings import preset_training, run_config
from pipelines.training.trainings import RunOptions
from pipelines.training.version_sequences import VersionSequences
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import COEFFICIENT_KINDS, Preset
from tests.factories.dataset_versions import local_store
from tests.factories.fitted_versions import publish_fitted

SETTINGS = EvaluationSettings(seeds=2, long_audio_s=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ManagedStore, str]:
    """A store with a version and a run of each kind, trained for one step."""
    store = local_store(tmp_path_factory.mktemp("trained"))
    version = publish_fitted(store).dataset_version
    source = VersionSequences(store, version)
    for kind in COEFFICIENT_KINDS:
        spec = preset_training(kind, Preset.TINY, steps=1, batch_windows=2)
        train_coefficients(store, source, run_config(kind, source, spec), RunOptions(device="cpu", threads=1))
    return store, version


def test_runs_are_evaluated_by_name(trained: tuple[ManagedStore, str]) -> None:
    store, version = trained
    report = evaluate_runs(store, LATEST_RUNS, version, "train", SETTINGS)

    assert [name.split("/")[0] for name in report.models] == ["expflow", "poseflow"]
    assert report.dataset == version
    assert [clip.frames for clip in report.clips] == [30, 25]
    assert report.figures["mouth_opening_r"] is not None
    assert report.figures["pose_spread"] is not None
    assert report.figures["emotion_accuracy_classifier"] is None  # clips of one emotion
    values = report.as_json()
    assert set(FIGURES) <= set(values)
    assert "figures" not in values


def test_a_split_without_clips_is_named(trained: tuple[ManagedStore, str]) -> None:
    store, version = trained

    with pytest.raises(BadInputError, match="no clip of 8 frames or more in split 'validation'"):
        evaluate_runs(store, LATEST_RUNS, version, "validation", SETTINGS)


def test_the_folder_of_the_truth_must_be_a_demo_corpus(trained: tuple[ManagedStore, str], tmp_path: Path) -> None:
    store, version = trained

    with pytest.raises(BadInputError, match="is no demo corpus"):
        evaluate_runs(store, LATEST_RUNS, version, "train", SETTINGS, truth=tmp_path)
