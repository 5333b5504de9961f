"""What a form asks for is what the network's flow takes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from flows import train_network as flow_module
from flows.training import training_flow
from storage_schemas.errors import BadInputError
from storage_schemas.run_forms import TrainRequest
from storage_schemas.training_runs import RunKind


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The parameters that flows are called with; nothing is trained."""
    calls: list[dict[str, Any]] = []

    def stand_in(kind: RunKind) -> Any:  # noqa: ANN401 - stands for a flow
        def called(**parameters: Any) -> SimpleNamespace:  # noqa: ANN401
            calls.append(training_flow(kind).validate_parameters(parameters))
            return SimpleNamespace(card=SimpleNamespace(run_id="3f2a"))

        return called

    monkeypatch.setattr(flow_module, "training_flow", stand_in)
    return calls


@pytest.mark.parametrize("kind", RunKind)
def test_each_network_is_asked_of_its_flow(taken: list[dict[str, Any]], kind: RunKind) -> None:
    request = TrainRequest(network=kind, dataset="paper", store="store", steps=7, codebook="77aa", more="{keep: best}")
    judged = kind in (RunKind.SYNC, RunKind.EMOTION)
    if judged:
        request = request.model_copy(update={"more": "{shift: 0.1}"})

    assert flow_module.train_network.fn(request) == f"{kind.value}/3f2a"

    (asked,) = taken
    assert (asked["kind"], asked["dataset"], asked["store"], asked["spec"].steps) == (kind, "paper", "store", 7)
    assert (asked["spec"].shift if judged else asked["spec"].keep) == (0.1 if judged else "best")
    assert asked.get("codebook") == ("77aa" if kind in (RunKind.CODEBOOK, RunKind.VQIG) else None)


@pytest.mark.parametrize(("more", "message"), [("[1]", "expected YAML such as"), ("nonesuch: 1", "1 wrong setting")])
def test_wrong_settings_are_refused(taken: list[dict[str, Any]], more: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        flow_module.train_network.fn(TrainRequest(network=RunKind.EXPFLOW, more=more))
    assert taken == []
