"""What docs/scripts.md says of columns and reasons is so."""

from __future__ import annotations

import re

from pipelines.scripts.row_rules import RESERVED_FOLDERS
from storage_schemas.script_rows import LONGEST_TEXT, MOST_TAKES, ScriptProblemReason, ScriptRow
from tests.factories.repository import document


def section(heading: str) -> str:
    return document("docs/scripts.md").split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]


def test_every_column_is_listed_with_its_default() -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\| .+ \|$", section("## Columns"), re.MULTILINE))
    assert list(listed) == list(ScriptRow.model_fields)
    defaults = {
        name: str(field.default) for name, field in ScriptRow.model_fields.items() if field.default != "" and not field.is_required()
    }
    assert {name: text.strip("`") for name, text in listed.items() if text.startswith("`")} == defaults


def test_every_reason_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \| .+ \|$", section("## What can be wrong"), re.MULTILINE) == list(ScriptProblemReason)


def test_limits_are_those_of_the_schema() -> None:
    assert f"{LONGEST_TEXT:,} characters" in section("## Columns")
    assert f"at most {MOST_TAKES:,}" in section("## Columns")
    assert all(f"`{folder}`" in section("## Columns") for folder in RESERVED_FOLDERS)
