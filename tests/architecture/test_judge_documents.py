"""What docs/judges.md says of settings, presets and stored records is so."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel

from pipelines.judging.face_windows import FACE, MOUTH
from pipelines.judging.sync_judge import LEAST_FRAMES
from pipelines.training.judges.judge_settings import preset_judge_training
from storage_schemas.judge_runs import JudgeRunCard, JudgeRunConfig, JudgeTrainingSpec
from storage_schemas.judgements import ClipJudgement, PartJudgements
from storage_schemas.training_runs import JUDGE_KINDS, Preset
from tests.factories.repository import document

RECORDS: dict[str, list[type[BaseModel]]] = {
    "runs/<kind>/<run_id>/config.json": [JudgeRunConfig],
    "runs/<kind>/<run_id>/card.json": [JudgeRunCard],
    "parts/judgements/<xx>/<key>/judgements.json": [PartJudgements, ClipJudgement],
}


def section(heading: str) -> str:
    return document("docs/judges.md").split(f"\n{heading}\n", 1)[1].split("\n##", 1)[0]


def test_every_setting_is_listed_with_its_default() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \| .+ \|$", section("## Settings").split("\n### ")[0], re.MULTILINE))
    defaults = JudgeTrainingSpec().model_dump(mode="json")
    assert listed == {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in defaults.items()}


def test_the_presets_are_listed() -> None:
    rows = [row.strip("| ").split(" | ") for row in section("### Presets").splitlines() if row.startswith("| ") and "---" not in row]
    header, *lines = rows
    columns = [(kind, preset) for preset in Preset for kind in JUDGE_KINDS]
    assert header[1:] == [f"{preset.value} {kind.value}" for kind, preset in columns]
    found = {line[0].strip("`"): line[1:] for line in lines}
    specs = [preset_judge_training(kind, preset).model_dump(mode="json") for kind, preset in columns]
    defaults = JudgeTrainingSpec().model_dump(mode="json")
    changed = [name for name in defaults if name != "preset" and any(spec[name] != defaults[name] for spec in specs)]
    assert found == {name: [str(spec[name]) for spec in specs] for name in changed}


@pytest.mark.parametrize("name", RECORDS)
def test_every_field_of_a_record_is_listed(name: str) -> None:
    fields = [field for record in RECORDS[name] for field in record.model_fields]
    assert re.findall(r"^\| `(\w+)` \| .+ \|$", section(f"### `{name}`"), re.MULTILINE) == fields


def test_the_windows_have_the_sizes_that_are_told() -> None:
    text = document("docs/judges.md")
    assert f"a square of {MOUTH.side:g} inter-ocular distances" in text
    assert f"the face one of {FACE.side:g} from" in text
    assert text.count(f"{LEAST_FRAMES} frames") >= 3
