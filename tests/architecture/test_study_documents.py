"""What docs/ablation.md and docs/evaluation_study.md say of fields, questions and keys is so."""

from __future__ import annotations

import re

import pytest
from pydantic import BaseModel

from storage_schemas.ablation_study import AblationStudy, ExpFlowAblation, VqigAblation
from storage_schemas.user_study import QUESTIONS, MethodScores, PairScores, StudyDesign, StudyScores
from tests.factories.repository import document


def section(name: str, heading: str) -> str:
    return re.split(r"\n##+ ", document(f"docs/{name}.md").split(f"\n{heading}\n", 1)[1], maxsplit=1)[0]


@pytest.mark.parametrize(
    ("heading", "record"), [("## The study file", AblationStudy), ("### `expflow`", ExpFlowAblation), ("### `vqig`", VqigAblation)]
)
def test_every_field_of_a_study_is_listed_with_its_default(heading: str, record: type[BaseModel]) -> None:
    listed = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section("ablation", heading), re.MULTILINE))
    values = record().model_dump(mode="json")

    assert list(listed) == [name for name in record.model_fields if name not in ("expflow", "vqig")]
    assert {name: text.strip("`") for name, text in listed.items() if text.startswith("`")} == {
        name: str(values[name]) for name in listed if name != "variants"
    }


def test_every_variant_is_named() -> None:
    text = document("docs/ablation.md")

    assert all(f"`{name}`" in text for part in (ExpFlowAblation(), VqigAblation()) for name in part.variants)


def test_every_question_and_key_of_a_user_study_is_named() -> None:
    text = section("evaluation_study", "## A user study")
    for design in StudyDesign:
        assert f"| `{design}` |" in text
    assert all(f"`{name}`" in text for name in QUESTIONS[StudyDesign.PAIRS])
    cells = re.findall(r"^\| (`[^|]+`) \| (.+) \|$", section("evaluation_study", "### `scores.json`"), re.MULTILINE)
    assert [name for cell, _ in cells for name in re.findall(r"`(\w+)`", cell)] == list(StudyScores.model_fields)
    told = {name for _, rest in cells for name in re.findall(r"`(\w+)`", rest)}
    assert set(MethodScores.model_fields) | set(PairScores.model_fields) <= told
