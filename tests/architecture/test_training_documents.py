"""What docs/training.md says of settings and stored records is so."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel

from storage_schemas.training_runs import RunCard, RunConfig, TrainingSpec, TrainingState
from tests.factories.repository import document

RECORDS: dict[str, type[BaseModel]] = {"config.json": RunConfig, "checkpoints/step-<n>/state.json": TrainingState, "card.json": RunCard}


def test_every_setting_is_listed_with_its_default() -> None:
    section = document("docs/training.md").split("\n## Settings\n", 1)[1].split("\n## ", 1)[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \| .+ \|$", section, re.MULTILINE))
    defaults = TrainingSpec().model_dump(mode="json")
    assert listed == {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in defaults.items()}


@pytest.mark.parametrize("name", RECORDS)
def test_every_field_of_a_record_is_listed(name: str) -> None:
    section = document("docs/training.md").split(f"\n### `runs/<kind>/<run_id>/{name}`\n", 1)[1].split("\n##", 1)[0]
    assert re.findall(r"^\| `(\w+)` \| .+ \|$", section, re.MULTILINE) == list(RECORDS[name].model_fields)
