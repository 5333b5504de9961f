from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from pipelines.training.run_folder import RunFolder
from pipelines.training.trainings import TrainedRun
from storage_schemas.judge_runs import JudgeRunCard
from storage_schemas.training_runs import RunKind
from tasks.training import markdown_of
from tests.factories.dataset_versions import local_store
from tests.factories.judge_runs import store_judge


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedRun[JudgeRunCard]:
    """What a training of a judge left."""
    with local_store(tmp_path_factory.mktemp("store")) as store:
        card = RunFolder(store, RunKind.SYNC, store_judge(store, RunKind.SYNC)).read_card(JudgeRunCard)
    assert card is not None
    return TrainedRun(card, was_finished=False, resumed_step=0, curves={"loss": [(10, 2.0), (20, 1.25)], "accuracy": []})


def test_an_artifact_has_card_curves_and_picture(trained: TrainedRun[JudgeRunCard]) -> None:
    lines = markdown_of(trained, "loss curves", b"PNG").splitlines()
    assert lines[0] == f"## sync/{trained.card.run_id}"
    assert lines[2 : 2 + len(trained.card.lines()) - 1] == trained.card.lines()[1:]
    assert [line.split(" | ")[:2] for line in lines if "1.25" in line] == [["| loss", "1.2500"]]
    assert not any("accuracy" in line for line in lines)
    assert lines[-1] == f"![loss curves](data:image/png;base64,{base64.b64encode(b'PNG').decode()})"


def test_a_run_without_a_picture_has_its_figures(trained: TrainedRun[JudgeRunCard]) -> None:
    assert markdown_of(replace(trained, curves={}), "samples", b"").splitlines()[-1] == "| --- | --- | --- |"
