from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from pipelines.generation import run_loading
from pipelines.generation.run_loading import coefficient_model, load_models
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import EMOTIONS, RunKind
from tests.factories.coefficient_models import blink_model, random_flow

POSES: dict[str, object] = {"features": 6, "emotions": 1, "has_source": False, "latent": "gaussian"}


def run(kind: RunKind, face_model: str = "learned-1") -> Any:  # noqa: ANN401 - stands in for a LoadedRun
    flow = random_flow() if kind is RunKind.EXPFLOW else random_flow(**POSES)
    one = torch.ones(flow.config.features)
    frames = torch.tensor([10 if label in ("happy", "neutral") else 0 for label in EMOTIONS])
    statistics = {"smallest": -one, "largest": one, "neutral": 0 * one, "emotion_frames": frames}
    extras = SimpleNamespace(statistics=statistics, latents={"z": torch.zeros(5, len(one))}, blinks=blink_model())
    card = SimpleNamespace(kind=kind, run_id="0123", dataset="v1", face_model=face_model, weights_sha256="ab", code_version="1")
    return SimpleNamespace(flow=flow, card=card, extras=extras)


def loaded(monkeypatch: pytest.MonkeyPatch, **face_models: str) -> None:
    def load(_: object, name: str) -> Any:  # noqa: ANN401
        kind = name.split("/", maxsplit=1)[0]
        return run(RunKind(kind), face_models.get(kind, "learned-1"))

    monkeypatch.setattr(run_loading, "load_coefficient_flow", load)


def test_a_run_becomes_a_model() -> None:
    model = coefficient_model(run(RunKind.EXPFLOW))

    assert model.run_id == "expflow/0123"
    assert model.emotions == ("happy", "neutral")
    assert model.lineage == {"dataset": "v1", "face_model": "learned-1", "weights_sha256": "ab", "code": "1"}
    np.testing.assert_array_equal(model.highest, np.ones(64))


def test_both_kinds_are_found_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(monkeypatch)
    expflow, poseflow = load_models(None, ["poseflow/latest", "expflow/latest"])  # type: ignore[arg-type]

    assert expflow.flow.config.features == 64
    assert poseflow is not None
    assert poseflow.flow.config.features == 6
    assert load_models(None, ["expflow/latest"])[1] is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["poseflow/latest"], "no ExpFlow"),
        ([], "no ExpFlow"),
        (["expflow/a", "expflow/b"], "two runs of expflow"),
        (["expflow/a", "poseflow/b"], "different face models"),
    ],
)
def test_runs_that_do_not_go_together_are_refused(monkeypatch: pytest.MonkeyPatch, names: list[str], message: str) -> None:
    loaded(monkeypatch, poseflow="learned-2")

    with pytest.raises(BadInputError, match=message):
        load_models(None, names)  # type: ignore[arg-type]
