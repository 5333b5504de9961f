from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipelines.demo.stage_record import RECORD_FILE, StageRecord


def run(folder: Path, asked: object = 1, *, was_done: bool = False, seconds: float = 0.12) -> StageRecord:
    record = StageRecord(folder)
    with record.stage("corpus", asked) as running:
        time.sleep(seconds)
        running.was_done = was_done
    return record


def test_a_stage_that_was_done_keeps_its_time(tmp_path: Path) -> None:
    first = run(tmp_path).seconds["corpus"]
    again = run(tmp_path, was_done=True)

    assert again.seconds == {"corpus": first}
    assert again.reused == ["corpus"]


def test_the_time_of_an_interrupted_stage_counts(tmp_path: Path) -> None:
    def interrupted() -> None:
        with StageRecord(tmp_path).stage("corpus", 1):
            time.sleep(0.2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    record = run(tmp_path, was_done=True)

    assert record.seconds["corpus"] >= 0.3
    assert record.reused == []


def test_another_question_starts_anew(tmp_path: Path) -> None:
    run(tmp_path, seconds=0.5)

    assert run(tmp_path, asked=2).seconds["corpus"] < 0.4


def test_a_damaged_record_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / RECORD_FILE).write_text("{")

    assert run(tmp_path).reused == []
