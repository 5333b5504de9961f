"""What docs/demo.md says of stages and of the summary is so."""

from __future__ import annotations

import re

from flows.demo import STAGES
from pipelines.demo.stage_texts import STAGE_TEXTS
from storage_schemas.demo_summary import DemoEvaluation, DemoRender, DemoSummary
from tests.factories.repository import document


def listed(text: str) -> list[str]:
    rows = re.findall(r"^\| (`[^|]+`) \| .+ \|$", text, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([\w.]+)`", row)]


def test_every_stage_is_explained() -> None:
    assert listed(document("docs/demo.md").split("\n## ", 1)[0]) == list(STAGES) == list(STAGE_TEXTS)


def test_every_field_of_the_summary_is_listed() -> None:
    whole, renders = document("docs/demo.md").split("### `summary.json`\n", 1)[1].split("Each of `renders`:", 1)
    summary, evaluation = whole.split("\n`evaluation`:", 1)
    assert sorted(listed(summary)) == sorted(DemoSummary.model_fields)
    assert sorted(listed(evaluation)) == sorted(DemoEvaluation.model_fields)
    assert sorted(listed(renders)) == sorted(DemoRender.model_fields)
