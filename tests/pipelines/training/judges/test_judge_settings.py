from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.training.judges.judge_settings import judge_config, preset_judge_training
from pipelines.training.run_folder import run_id_of
from storage_schemas.training_runs import JUDGE_KINDS, Preset, RunKind


@pytest.mark.parametrize("kind", JUDGE_KINDS)
@pytest.mark.parametrize("preset", list(Preset))
def test_presets_have_the_sizes_of_their_networks(kind: RunKind, preset: Preset) -> None:
    spec = preset_judge_training(kind, preset, seed=3)
    config = judge_config(kind, "0" * 16, spec)
    assert (spec.preset, spec.seed) == (preset, 3)
    assert (
        config.network["size_px"]
        == {Preset.TINY: {"sync": 48, "emotion": 64}, Preset.SMALL: {"sync": 96, "emotion": 112}}.get(
            preset, {"sync": 224, "emotion": 224}
        )[kind.value]
    )


def test_what_decides_weights_decides_the_run() -> None:
    spec = preset_judge_training(RunKind.EMOTION, Preset.TINY)
    ids = {
        run_id_of(judge_config(kind, dataset, changed))
        for kind in JUDGE_KINDS
        for dataset in ("0" * 16, "1" * 16)
        for changed in (spec, spec.model_copy(update={"shuffled_labels": True}))
    }
    assert len(ids) == 8


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        preset_judge_training(RunKind.SYNC, Preset.TINY, step=3)
