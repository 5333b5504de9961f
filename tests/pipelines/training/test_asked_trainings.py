from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from infra.managed_store import ManagedStore
from pipelines.training.asked_trainings import CoefficientTraining, ImageTraining, JudgeTraining, asked_training
from storage_schemas.errors import BadInputError
from storage_schemas.image_runs import ImageRunCard
from storage_schemas.judge_runs import JudgeRunCard
from storage_schemas.training_runs import Preset, RunCard, RunKind
from tests.factories.dataset_versions import local_store
from tests.factories.fitted_versions import publish_fitted


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedStore]:
    """A store with a version."""
    with local_store(tmp_path_factory.mktemp("store")) as opened:
        publish_fitted(opened)
        yield opened


@pytest.mark.parametrize(
    ("kind", "training", "record"),
    [
        (RunKind.EXPFLOW, CoefficientTraining, RunCard),
        (RunKind.POSEFLOW, CoefficientTraining, RunCard),
        (RunKind.CODEBOOK, ImageTraining, ImageRunCard),
        (RunKind.SYNC, JudgeTraining, JudgeRunCard),
        (RunKind.EMOTION, JudgeTraining, JudgeRunCard),
    ],
)
def test_a_name_gives_the_training_of_its_kind(store: ManagedStore, kind: RunKind, training: type, record: type) -> None:
    (version,) = store.list_folders("versions")
    asked = asked_training(kind, Preset.SMALL, {"steps": "7"}, version[:6], codebook="3f2a", vgg19="")
    assert isinstance(asked, training)
    opened = asked.opened(store)
    assert (opened.config.kind, opened.config.dataset, opened.record) == (kind, version, record)
    assert (opened.config.training.preset, opened.config.training.steps) == (Preset.SMALL, 7)
    assert opened.finished() is None


def test_the_codebook_is_the_generators(store: ManagedStore) -> None:
    (version,) = store.list_folders("versions")
    asked = asked_training(RunKind.VQIG, Preset.TINY, {}, version, codebook="3f2a", vgg19="weights.pth")
    assert [*asked.parameters()] == ["kind", "spec", "dataset", "codebook", "vgg19"]
    assert asked.parameters()["codebook"] == "3f2a"
    with pytest.raises(BadInputError, match="0 finished runs '3f2a'"):
        asked_training(RunKind.VQIG, Preset.TINY, {}, version, codebook="3f2a").opened(store)


@pytest.mark.parametrize("kind", [RunKind.POSEFLOW, RunKind.VQIG, RunKind.EMOTION])
def test_settings_of_another_kind_are_refused(kind: RunKind) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        asked_training(kind, Preset.TINY, {"nonesuch": 1}, "latest")
