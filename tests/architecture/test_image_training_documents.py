"""What docs/image_training.md says of settings, presets and stored records is so."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel

from pipelines.training.images.image_run_settings import preset_image_training
from storage_schemas.image_runs import CodesIndex, ImageRunCard, ImageRunConfig, ImageTrainingSpec
from storage_schemas.training_runs import IMAGE_KINDS, Preset
from tests.factories.repository import document

RECORDS: dict[str, type[BaseModel]] = {
    "runs/<kind>/<run_id>/config.json": ImageRunConfig,
    "runs/<kind>/<run_id>/card.json": ImageRunCard,
    "parts/codes/<xx>/<key>/codes.json": CodesIndex,
}


def section(heading: str) -> str:
    return document("docs/image_training.md").split(f"\n{heading}\n", 1)[1].split("\n##", 1)[0]


def test_every_setting_is_listed_with_its_default() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \| .+ \|$", section("## Settings").split("\n### ")[0], re.MULTILINE))
    defaults = ImageTrainingSpec().model_dump(mode="json")
    assert listed == {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in defaults.items()}


def test_the_presets_are_listed() -> None:
    rows = [row.strip("| ").split(" | ") for row in section("### Presets").splitlines() if row.startswith("| ") and "---" not in row]
    header, *lines = rows
    columns = [(kind, preset) for preset in Preset for kind in IMAGE_KINDS]
    assert header[1:] == [f"{preset.value} {kind.value}" for kind, preset in columns]
    found = {line[0].strip("`"): line[1:] for line in lines}
    specs = [preset_image_training(kind, preset).model_dump(mode="json") for kind, preset in columns]
    defaults = ImageTrainingSpec().model_dump(mode="json")
    changed = [name for name in defaults if name != "preset" and any(spec[name] != defaults[name] for spec in specs)]
    assert found == {name: [str(spec[name]) for spec in specs] for name in changed}


@pytest.mark.parametrize("name", RECORDS)
def test_every_field_of_a_record_is_listed(name: str) -> None:
    assert re.findall(r"^\| `(\w+)` \| .+ \|$", section(f"### `{name}`"), re.MULTILINE) == list(RECORDS[name].model_fields)
