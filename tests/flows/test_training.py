"""Where trainings run: finished ones nowhere, others in this process or on the work pool of `FLOWVQTALKER_GPU_DEPLOYMENT`."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from flows import training as flow_running
from flows.training import run_training, training_flow
from infra import gpu_dispatch
from pipelines.training.asked_trainings import asked_training
from pipelines.training.run_folder import AnyCard
from pipelines.training.trainings import RunOptions, Training
from storage_schemas.errors import BadInputError, BuildFailedError
from storage_schemas.training_runs import Preset, RunKind
from tests.factories.dataset_versions import local_store
from tests.factories.fitted_versions import publish_fitted

FLOWS = {
    RunKind.EXPFLOW: "train_coefficient_generator",
    RunKind.POSEFLOW: "train_coefficient_generator",
    RunKind.CODEBOOK: "train_image_generator",
    RunKind.SYNC: "train_judge",
    RunKind.EMOTION: "train_judge",
}
OPTIONS = RunOptions(device="cpu", threads=1)


class WorkPool:
    """Stands for a Prefect server with a worker: what is sent there is what its flow takes, and is trained if it is to be."""

    def __init__(self, *, works: bool) -> None:
        self.works = works
        self.sent: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    def run(self, deployment: str, parameters: dict[str, Any], identity: dict[str, Any]) -> str:
        self.sent.append((deployment, parameters, identity))
        kind = RunKind(parameters["kind"])
        taken = training_flow(kind).validate_parameters(json.loads(json.dumps(parameters)))
        if self.works:
            spec = taken["spec"].model_dump(exclude={"preset"})
            with local_store(Path(taken["store"])) as store:
                asked_training(kind, taken["spec"].preset, spec, taken["dataset"]).opened(store).train(taken["options"], None, None)
        return "a flow run"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("store")
    with local_store(folder) as opened:
        publish_fitted(opened)
    return str(folder)


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(home: Path) -> AbstractContextManager[None]:
        raise AssertionError("a server was started")

    monkeypatch.setattr(flow_running, "prefect_api", refuse)


def sent_to(monkeypatch: pytest.MonkeyPatch, deployment: str, *, works: bool) -> WorkPool:
    """Have trainings sent to a stand-in."""
    pool = WorkPool(works=works)
    monkeypatch.setenv("FLOWVQTALKER_GPU_DEPLOYMENT", deployment)
    monkeypatch.setattr(gpu_dispatch, "run_on_work_pool", pool.run)
    return pool


def small(kind: RunKind, store: str, **changes: object) -> Training[AnyCard]:
    with local_store(Path(store)) as opened:
        (version,) = opened.list_folders("versions")
    return asked_training(kind, Preset.TINY, {"steps": 2, **changes}, version[:8])


@pytest.mark.usefixtures("no_server")
@pytest.mark.parametrize("kind", FLOWS)
@pytest.mark.parametrize("named", ["train_image_generator/night", "night"])
def test_every_kind_goes_to_the_deployment_of_its_flow(monkeypatch: pytest.MonkeyPatch, store: str, kind: RunKind, named: str) -> None:
    pool = sent_to(monkeypatch, named, works=False)
    training = small(kind, store)

    with pytest.raises(BuildFailedError, match=rf"on {FLOWS[kind]}/night is done, but .* has no finished run of it"):
        run_training(training, store, OPTIONS)

    ((deployment, parameters, identity),) = pool.sent
    assert deployment == f"{FLOWS[kind]}/night"
    assert parameters["dataset"] == identity["config"]["dataset"] != training.dataset  # its id, not the beginning of one
    assert parameters["spec"] == training.spec.model_dump(mode="json")
    assert identity["store"] == store


@pytest.mark.usefixtures("no_server")
def test_what_a_work_pool_has_trained_is_returned_and_found_again(monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    pool = sent_to(monkeypatch, "train_image_generator/gpu", works=True)
    training = small(RunKind.POSEFLOW, store, batch_windows=2)

    trained = run_training(training, store, OPTIONS)
    again = run_training(training, store, RunOptions(device="nonesuch"))

    assert len(pool.sent) == 1
    assert (trained.card.kind, trained.card.steps) == (RunKind.POSEFLOW, 2)
    assert again == trained
    monkeypatch.delenv("FLOWVQTALKER_GPU_DEPLOYMENT")
    assert run_training(training, store, RunOptions(device="nonesuch")).was_finished
    with pytest.raises(AssertionError, match="a server was started"):
        run_training(training, store, RunOptions(device="cpu", fresh=True))


@pytest.mark.usefixtures("no_server")
@pytest.mark.parametrize("kind", FLOWS)
def test_devices_are_looked_for_before_a_server_is_started(store: str, kind: RunKind) -> None:
    batch = "batch_frames" if kind is RunKind.CODEBOOK else "batch_windows"
    with pytest.raises(BadInputError, match=f"--devices 3 must divide {batch}, which is 4"):
        run_training(small(kind, store, **{batch: 4}), store, RunOptions(device="cpu", devices=3))


@pytest.mark.usefixtures("no_server")
def test_the_dataset_is_looked_for_first(store: str) -> None:
    with pytest.raises(BadInputError, match="no version or tag 'nonesuch'"):
        run_training(asked_training(RunKind.SYNC, Preset.TINY, {}, "nonesuch"), store, OPTIONS)
