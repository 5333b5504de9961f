from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow
from pipelines.models.normalizing_flow.flow_config import CoefficientFlowConfig, FlowKind, PresetName, presets


@pytest.mark.parametrize("kind", ["expflow", "poseflow"])
@pytest.mark.parametrize("name", ["tiny", "small", "paper"])
def test_a_preset_survives_json(name: PresetName, kind: FlowKind) -> None:
    config = presets(name, kind)

    assert CoefficientFlowConfig(**json.loads(json.dumps(dataclasses.asdict(config)))) == config


def test_presets_have_the_sizes_of_their_kind() -> None:
    expression, pose = presets("paper", "expflow"), presets("paper", "poseflow")

    assert (expression.features, expression.emotions, expression.steps, expression.past_frames) == (64, 9, 16, 10)
    assert (expression.latent, expression.has_source, expression.latent_mean_scale) == ("student_t", True, 1.0)
    assert (pose.features, pose.emotions, pose.latent, pose.has_source, pose.latent_mean_scale) == (6, 1, "gaussian", False, 0.0)


def test_the_tiny_preset_is_small() -> None:
    parameters = sum(parameter.numel() for parameter in CoefficientFlow(presets("tiny", "expflow")).parameters())

    assert 400_000 < parameters < 900_000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 10, "heads": 4}, "width=10 and heads=4"),
        ({"steps": 0}, "steps=0"),
        ({"features": 1}, "features=1"),
        ({"audio_reach_frames": 3}, "found 2 and 3"),
        ({"latent": "cauchy"}, "'cauchy'"),
        ({"degrees_of_freedom": 0.0}, "degrees_of_freedom above 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\)"),
    ],
)
def test_sizes_that_fit_no_network_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CoefficientFlowConfig(**changes)


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(ValueError, match="no preset 'large' of 'expflow'; presets are tiny, small, paper"):
        presets("large", "expflow")  # type: ignore[arg-type]
