from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.command_line import app
from pipelines.ablation.comparison import Comparison, StudyReport
from storage_schemas.ablation_study import AblationStudy
from storage_schemas.errors import BadInputError
from tests.factories.ablation_reports import DATASET, expflow_report


def run(*words: object) -> str:
    result = CliRunner().invoke(app, ["ablation", *[str(word) for word in words]], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the flow was asked for; it trains nothing."""
    found: list[Any] = []

    def run_ablation(study: AblationStudy, dataset: str, store: str, **options: Any) -> Comparison:  # noqa: ANN401 - fields of StudyWork
        found.extend([study, dataset, store, options])
        report = StudyReport(study=study, dataset=DATASET, expflow=expflow_report(), generated={}, vqig=None)
        return Comparison(report, b"", b"")

    monkeypatch.setattr("flows.ablation_studies.run_ablation", run_ablation)
    return found


def test_a_study_is_read_run_and_written(tmp_path: Path, asked: list[Any]) -> None:
    study = tmp_path / "study.yaml"
    study.write_text("name: short\nexpflow: {steps: 3}\nvqig: null\n", encoding="utf-8")

    found = json.loads(run("run", study, "--store", tmp_path, "--out", tmp_path / "out", "--threads", 1, "--device", "cpu", "--json"))

    assert (found["dataset"], found["out"]) == (DATASET, str(tmp_path / "out"))
    assert {"index.html", "expflow.tex", "ablation.json"} <= set(found["files"])
    assert (asked[0].expflow.steps, asked[0].vqig, asked[1], asked[2]) == (3, None, "latest", str(tmp_path))
    assert (asked[3]["threads"], asked[3]["device"]) == (1, "cpu")
    assert "| SMM |" in run(study, "--store", tmp_path, "--out", tmp_path / "out")  # without `run`


def test_the_template_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"

    run("template", path)

    assert path.read_text(encoding="utf-8").startswith("# An ablation study")
    with pytest.raises(BadInputError, match="--force"):
        run("template", path)
    run("template", path, "--force")


def test_a_wrong_study_starts_nothing(tmp_path: Path, asked: list[Any]) -> None:
    (tmp_path / "study.yaml").write_text("speed: 3\n", encoding="utf-8")

    with pytest.raises(BadInputError, match="speed"):
        run("run", tmp_path / "study.yaml", "--out", tmp_path / "out")
    assert asked == []
    assert not (tmp_path / "out").exists()
