from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.user_study.answer_files import answer_files, read_answers, read_key
from storage_schemas.errors import BadInputError
from storage_schemas.user_study import StudyAnswers, StudyDesign
from tests.factories.study_answers import ratings, study_key

KEY = study_key(StudyDesign.RATINGS)
WHOLE = ratings(KEY, "p1", lambda *_: 3)


def write(folder: Path, name: str, answers: StudyAnswers | str) -> Path:
    path = folder / name
    path.write_text(answers if isinstance(answers, str) else answers.model_dump_json(), encoding="utf-8")
    return path


def test_files_are_read_in_order_of_participants(tmp_path: Path) -> None:
    write(tmp_path, "a.json", WHOLE.model_copy(update={"participant": "z"}))
    write(tmp_path, "b.json", WHOLE)
    write(tmp_path, "key.json", KEY.model_dump_json())

    found, notes = read_answers(read_key(tmp_path), answer_files([tmp_path]))

    assert [answers.participant for answers in found] == ["p1", "z"]
    assert notes == []


def test_of_two_files_of_a_participant_the_fuller_one_counts(tmp_path: Path) -> None:
    write(tmp_path, "first.json", WHOLE.model_copy(update={"answers": WHOLE.answers[:2]}))
    write(tmp_path, "second.json", WHOLE)

    found, notes = read_answers(KEY, answer_files([tmp_path]))

    assert [len(answers.answers) for answers in found] == [len(KEY.trials)]
    assert len(notes) == 1
    assert "first.json" in notes[0]


FIRST = WHOLE.answers[0]
WRONG = {
    "no JSON": "{",
    "another study": WHOLE.model_copy(update={"study": "f" * 16}),
    "an unknown trial": WHOLE.model_copy(update={"answers": [FIRST.model_copy(update={"trial": "t99"})]}),
    "another trial's video": WHOLE.model_copy(update={"answers": [FIRST.model_copy(update={"shown": ["other-0"]})]}),
    "a trial twice": WHOLE.model_copy(update={"answers": [FIRST, FIRST]}),
    "a score out of range": WHOLE.model_copy(
        update={"answers": [FIRST.model_copy(update={"choices": {"lip_sync": 6, "image_quality": 1}})]}
    ),
    "a question left out": WHOLE.model_copy(update={"answers": [FIRST.model_copy(update={"choices": {"lip_sync": 5}})]}),
    "a participant with a path": WHOLE.model_copy(update={"participant": "../../p"}),
}


@pytest.mark.parametrize("kind", WRONG)
def test_answers_that_do_not_fit_are_left_out_by_name(tmp_path: Path, kind: str) -> None:
    write(tmp_path, "wrong.json", WRONG[kind])
    with pytest.raises(BadInputError, match=r"no answers to this study: left out wrong\.json"):
        read_answers(KEY, answer_files([tmp_path]))

    write(tmp_path, "whole.json", WHOLE)
    found, notes = read_answers(KEY, answer_files([tmp_path]))

    assert len(found) == len(notes) == 1


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"expected the key of a study"):
        read_key(tmp_path)
    with pytest.raises(BadInputError, match="found no file"):
        answer_files([tmp_path / "nowhere"])
