"""What docs/evaluation.md says of metrics, rules, settings, points and records is so."""

from __future__ import annotations

import re

from pipelines.face_model.landmark_points import MEDIAPIPE_OF_68
from pipelines.video_evaluation.evaluation_warnings import RULES
from pipelines.video_evaluation.metric_list import METRIC_LIST
from storage_schemas.evaluation import LEADERBOARD_SCHEMA, METRICS, EvaluationReport, EvaluationRequest
from storage_schemas.evaluation_requests import EvaluationSettings
from tests.factories.repository import document


def section(heading: str) -> str:
    return re.split(r"\n##+ ", document("docs/evaluation.md").split(f"\n{heading}\n", 1)[1], maxsplit=1)[0]


def names(heading: str) -> list[str]:
    cells = re.findall(r"^\| (`[^|]+`) \|", section(heading), re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_every_metric_is_explained_as_tables_call_it() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|", section("## Metrics"), re.MULTILINE)
    better = {"up": "higher", "down": "lower", "true": "near the ground truth"}

    assert [name for name, *_ in rows] == list(METRICS) == list(METRIC_LIST)
    assert {name: (title, way, meaning) for name, title, way, meaning in rows} == {
        name: (metric.title, better[metric.better], metric.meaning) for name, metric in METRIC_LIST.items()
    }


def test_every_setting_is_listed_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", section("## The protocol"), re.MULTILINE))

    assert rows == {name: str(value) for name, value in EvaluationSettings().model_dump().items()}


def test_the_mapping_of_the_68_points_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| \d+ to \d+ \| [^|]+ \| ([\d, ]+) \|", section("### The 68 points"), re.MULTILINE)

    assert tuple(int(point) for row in rows for point in row.split(",")) == MEDIAPIPE_OF_68


def test_every_rule_for_odd_videos_is_listed() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section("## Odd videos"), re.MULTILINE))

    assert rows == RULES


def test_every_key_column_and_field_is_listed() -> None:
    assert names("## `--json`") == [*EvaluationReport.model_fields, "leaderboard"]
    assert names("## The leaderboard") == LEADERBOARD_SCHEMA.names
    assert names("## One YAML file") == list(EvaluationRequest.model_fields)
