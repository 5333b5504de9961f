from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.training.run_settings import network_config, preset_training, run_config
from storage_schemas.training_runs import COEFFICIENT_KINDS, Preset, RunKind
from tests.factories.coefficient_sequences import invented_source


@pytest.mark.parametrize("kind", COEFFICIENT_KINDS)
@pytest.mark.parametrize("preset", Preset)
def test_presets(kind: RunKind, preset: Preset) -> None:
    config = run_config(kind, invented_source(4), preset_training(kind, preset))
    network = network_config(config)
    assert config.training.preset is preset
    assert network.features == (64 if kind is RunKind.EXPFLOW else 6)
    assert network.latent == config.training.latent == ("student_t" if kind is RunKind.EXPFLOW else "gaussian")
    assert config.model_validate_json(config.model_dump_json()) == config


def test_changes_reach_training_and_network() -> None:
    spec = preset_training(RunKind.EXPFLOW, Preset.TINY, latent="gaussian", seed="7", past_dropout="0")
    config = run_config(RunKind.EXPFLOW, invented_source(4, audio=False), spec, width=32)
    assert (config.training.past_dropout, config.network["latent"], config.network["seed"]) == (0.0, "gaussian", 7)
    assert (config.network["has_audio"], config.network["width"]) == (False, 32)


@pytest.mark.parametrize("changes", [{"stepps": 3}, {"steps": 0}, {"past_dropout": 2}])
def test_wrong_settings_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        preset_training(RunKind.EXPFLOW, Preset.TINY, **changes)
