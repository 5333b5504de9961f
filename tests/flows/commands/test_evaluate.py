from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.command_line import app
from flows.commands.evaluate import VIDEOS_COMMAND
from flows.evaluating import read_request
from pipelines.video_evaluation.evaluation import protocol_id
from storage_schemas.errors import BadInputError
from storage_schemas.evaluation import METRICS, EvaluationReport, EvaluationRequest
from storage_schemas.evaluation_requests import EvaluationSettings
from tests.factories.dataset_versions import local_store
from tests.factories.fitted_versions import publish_fitted


def example(request: EvaluationRequest) -> EvaluationReport:
    metrics: dict[str, float | None] = dict.fromkeys(METRICS) | {"ssim": 0.75}
    return EvaluationReport(
        method=request.method or "clips", reference="ab12", evaluation_set="0" * 16, protocol=protocol_id(request.settings),
        settings=request.settings, versions={}, pairs=1, pairs_expected=2, frames=10, frames_without_face=0, metrics=metrics,
        ground_truth=metrics, missing={"fid": "weights not given", "jitter": "nothing to measure it on"}, weights={},
        warnings=[{"rule": "without_video", "count": 1, "names": ["two"]}],  # type: ignore[list-item] # validated
        videos=[{"video": "x.mp4", "reference": "one", "problem": "no face"}],  # type: ignore[list-item] # validated
    )  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[EvaluationRequest]:
    """Collect what the command asks for instead of measuring it."""
    requests: list[EvaluationRequest] = []

    def run(request: EvaluationRequest, _: object) -> tuple[EvaluationReport, str]:
        requests.append(request)
        return example(request), "store/evaluations/0/1"

    monkeypatch.setattr("flows.evaluating.run_evaluation", run)
    return requests


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["evaluate", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("words", [["clips"], [VIDEOS_COMMAND, "clips"]])
def test_a_folder_is_evaluated_with_or_without_the_word(words: list[str], asked: list[EvaluationRequest]) -> None:
    found = json.loads(run(*words, "--reference", "latest", "--method", "ours", "--device", "cpu", "--json"))

    assert (asked[0].generated, asked[0].reference, asked[0].method) == ("clips", "latest", "ours")
    assert found["pairs"] == 1
    assert set(found["metrics"]) == set(METRICS)
    assert found["metrics"]["fid"] is None
    assert found["leaderboard"] == "store/evaluations/0/1"


def test_options_may_come_first(asked: list[EvaluationRequest]) -> None:
    run("--reference", "true", "clips", "--device", "cpu", "--json")

    assert (asked[0].generated, asked[0].reference) == ("clips", "true")


def test_the_table_says_what_is_missing_and_whom_warnings_concern(asked: list[EvaluationRequest]) -> None:
    result = CliRunner().invoke(app, ["evaluate", "clips", "--reference", "true", "--device", "cpu"], catch_exceptions=False)

    assert "n/a (weights not given)" in result.output
    assert "0.75" in result.output
    assert "1 of 2 pairs" in result.output


def test_everything_may_stand_in_a_file_and_options_come_first(tmp_path: Path, asked: list[EvaluationRequest]) -> None:
    spec = tmp_path / "evaluation.yaml"
    spec.write_text("generated: clips\nreference: latest\nmethod: from the file\nsettings:\n  size_px: 64\n")
    run(str(spec), "--method", "from the command", "--device", "cpu", "--json")

    assert (asked[0].generated, asked[0].method, asked[0].settings.size_px) == ("clips", "from the command", 64)
    assert protocol_id(asked[0].settings) != protocol_id(EvaluationSettings())


def test_a_file_that_is_wrong_says_where(tmp_path: Path) -> None:
    spec = tmp_path / "evaluation.yaml"
    for text, words in (
        ("generated: a\n", "reference"),
        ("generated: a\nreference: b\nsetings: {}\n", "setings"),
        (":\n - [", "cannot be read"),
    ):
        spec.write_text(text)
        with pytest.raises(BadInputError, match=words):
            read_request(spec)


def test_a_reference_is_asked_for() -> None:
    with pytest.raises(BadInputError, match="--reference"):
        CliRunner().invoke(app, ["evaluate", "clips"], catch_exceptions=False)


def test_help_lists_the_commands_and_each_its_options() -> None:
    shown = run("--help")
    assert {name for name in ("videos", "material", "distortions", "study", "side-by-side") if name in shown} == {
        "videos", "material", "distortions", "study", "side-by-side",
    }  # fmt: skip
    assert "--pairs" in run("videos", "--help")


def test_material_is_written_and_counted(tmp_path: Path) -> None:
    store = local_store(tmp_path / "store")
    version = publish_fitted(store).dataset_version
    found = json.loads(
        run("material", str(tmp_path / "out"), "--reference", version, "--store", str(tmp_path / "store"), "--split", "all", "--json")
    )

    assert found["clips"] > 0
    assert Path(found["scripts"]).is_file()
    assert Path(found["pairs"]).is_file()
