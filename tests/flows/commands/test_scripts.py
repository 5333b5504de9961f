from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from flows.command_line import app
from storage_schemas.errors import BadInputError, BuildFailedError
from storage_schemas.script_rows import COLUMNS
from tests.factories.synthetic_video import write_tone


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["scripts", *arguments])


@pytest.fixture
def good_list(tmp_path: Path) -> Path:
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(tmp_path / "face.png")
    write_tone(tmp_path / "speech.wav", 0.2)
    (tmp_path / "good.csv").write_text("portrait;audio;takes\r\nface.png;speech.wav;3\r\n", encoding="utf-8-sig")
    return tmp_path / "good.csv"


def test_a_template_can_be_checked_and_shows_what_its_files_are_missing(tmp_path: Path) -> None:
    template = json.loads(run("template", str(tmp_path / "list.csv"), "--json").stdout)
    result = run("check", str(tmp_path / "list.csv"), "--json")
    found = json.loads(result.stdout)

    assert set(template["columns"]) == set(COLUMNS)
    assert isinstance(result.exception, BuildFailedError)
    assert found["rows_bad"] == 4
    assert set(found["by_reason"]) == {"missing_file"}
    assert found["problems"][0] == {"row": 2, "column": "portrait", "reason": "missing_file", "message": found["problems"][0]["message"]}


def test_a_good_list_passes(good_list: Path) -> None:
    result = run("check", str(good_list), "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"rows_good": 1, "rows_bad": 0, "clips": 3, "problems": [], "by_reason": {}}
    assert "1 good row(s) for 3 clip(s)" in run("check", good_list.as_uri()).stderr


def test_people_read_one_line_for_each_problem(good_list: Path) -> None:
    good_list.write_text("portrait,audio,output\nface.png,speech.wav,../../etc/cron\nftp://x/y.png,,\n")

    result = run("check", str(good_list))

    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        "row 2, column output", "row 3, column audio", "row 3, column portrait",
    ]  # fmt: skip


@pytest.mark.parametrize("scripts", ["none.csv", "http://host/list.csv"])
def test_a_list_that_is_not_there_is_bad_input(scripts: str) -> None:
    assert isinstance(run("check", scripts).exception, BadInputError)


def test_texts_are_checked_with_the_chosen_engine(good_list: Path) -> None:
    good_list.write_text("portrait,text,voice\nface.png,Hello,anna\n")

    assert "has no {voice}" in run("check", str(good_list), "--speech", "command:cat").stdout
    assert isinstance(run("check", str(good_list), "--speech", "festival").exception, BadInputError)
