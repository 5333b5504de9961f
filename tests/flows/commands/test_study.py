from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.command_line import app
from flows.commands.study import named_places
from storage_schemas.errors import BadInputError
from storage_schemas.user_study import StudyKey
from tests.factories.study_answers import ratings
from tests.factories.talking_videos import BLUE, GREEN, RED, write_coloured


def run(*words: object) -> str:
    """Return what a command prints on stdout; what it raises is raised."""
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for method, colour in (("ours", RED), ("theirs", GREEN), ("real", BLUE)):
        for clip in ("a", "b"):
            write_coloured(tmp_path / method / f"{clip}.mp4", colour, frames=5)
    (tmp_path / "emotions.csv").write_text("clip,emotion\na,happy\nb,sad\n", encoding="utf-8")
    return tmp_path


def test_a_study_is_made_answered_and_scored(folders: Path) -> None:
    out = folders / "study"

    made = json.loads(
        run(
            "evaluate", "study", "make", f"our method={folders / 'ours'}", folders / "theirs", "--truth", folders / "real", "--out", out,
            "--design", "ratings", "--emotions", folders / "emotions.csv", "--size", 64, "--files", "--json",
        )
    )  # fmt: skip

    assert made["methods"] == ["our method", "theirs", "ground truth"]
    assert (made["clips"], made["trials"], made["notes"]) == (2, 6, [])
    assert Path(made["page"]).is_file()
    key = StudyKey.model_validate_json(Path(made["key"]).read_bytes())
    answers = folders / "answers"
    answers.mkdir()
    (answers / "p1.json").write_text(ratings(key, "p1", lambda video, name: video.emotion if name == "emotion" else 3).model_dump_json())
    (answers / "other.json").write_text("{}")

    scores = json.loads(run("evaluate", "study", "score", out, answers, "--out", folders / "scores", "--json"))

    assert (scores["participants"], scores["answers"], len(scores["notes"])) == (1, 6, 1)
    assert scores["methods"][0]["emotion_accuracy"]["mean"] == 1
    assert (folders / "scores" / "scores.tex").is_file()
    assert "| Lip-sync | 3.00 [" in run("evaluate", "study", "score", out, answers, "--out", folders / "scores")


def test_places_have_names() -> None:
    assert named_places(["a=b/c", "d/e"]) == {"a": Path("b/c"), "e": Path("d/e")}
    with pytest.raises(BadInputError, match="two are called 'x'"):
        named_places(["x=a", "b/x"])
    with pytest.raises(BadInputError, match="expected NAME=PATH"):
        named_places(["=a"])


def test_a_name_with_an_equals_sign_that_exists_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b").mkdir()

    assert named_places(["a=b"]) == {"a=b": Path("a=b")}
