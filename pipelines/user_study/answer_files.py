"""Reading what participants sent back: each file is checked against the key; what is wrong is said with its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import ValidationError

from storage_schemas.errors import BadInputError
from storage_schemas.user_study import (
    EMOTION,
    HIGHEST,
    KEY_FILE,
    LOWEST,
    QUESTIONS,
    SAME,
    SCORES_FILE,
    StudyAnswer,
    StudyAnswers,
    StudyDesign,
    StudyKey,
)

_LARGEST_BYTES = 16 * 2**20


def read_key(path: Path) -> StudyKey:
    """Return a study's key.

    Raises:
        BadInputError: it cannot be read, or is none.
    """
    place = path / KEY_FILE if path.is_dir() else path
    try:
        return StudyKey.model_validate_json(place.read_bytes())
    except OSError as error:
        raise BadInputError(f"{place}: expected the key of a study ({error}); `evaluate study make` writes one") from error
    except ValidationError as error:
        raise BadInputError(f"{place}: expected the key of a study, found something else ({error.errors()[0]['msg']})") from error


def answer_files(places: Iterable[Path]) -> list[Path]:
    """Return the files that are named, and of folders their JSON files, without keys and scores.

    Raises:
        BadInputError: a place is not there.
    """
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += [path for path in sorted(place.glob("*.json")) if path.name not in (KEY_FILE, SCORES_FILE)]
        elif place.is_file():
            found.append(place)
        else:
            raise BadInputError(f"{place}: expected answers, found no file")
    return list(dict.fromkeys(found))


def read_answers(key: StudyKey, paths: Sequence[Path]) -> tuple[list[StudyAnswers], list[str]]:
    """Return the answers of each participant, and a note for each file that is left out.

    A file that is no answer to this study, or whose answers do not fit its trials, is left out whole. Of two files of one participant the
    one with more answers counts, of two equal ones the first.

    Raises:
        BadInputError: no file is left.
    """
    notes: list[str] = []
    found: dict[str, tuple[StudyAnswers, Path]] = {}
    for path in paths:
        try:
            answers = _checked(key, path)
        except BadInputError as error:
            notes.append(f"left out {path.name}: {error}")
            continue
        other = found.get(answers.participant)
        if other is not None:
            fewer = path if len(answers.answers) <= len(other[0].answers) else other[1]
            notes.append(f"left out {fewer.name}: another file of participant {answers.participant} has as many answers or more")
        if other is None or len(answers.answers) > len(other[0].answers):
            found[answers.participant] = answers, path
    if not found:
        raise BadInputError("there are no answers to this study" + (f": {'; '.join(notes)}" if notes else ""))
    return [found[name][0] for name in sorted(found)], notes


def _checked(key: StudyKey, path: Path) -> StudyAnswers:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise BadInputError(f"expected at most {_LARGEST_BYTES // 2**20} MiB, found {path.stat().st_size // 2**20}")
        answers = StudyAnswers.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInputError(f"it cannot be read ({error})") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInputError(
            f"expected answers as the page saves them, found {first['msg']} at {'.'.join(map(str, first['loc']))}"
        ) from error
    if answers.study != key.study:
        raise BadInputError(f"expected answers to study {key.study}, found some to {answers.study}")
    trials = {trial.trial: sorted(trial.videos) for trial in key.trials}
    seen: set[str] = set()
    for answer in answers.answers:
        if answer.trial in seen:
            raise BadInputError(f"trial {answer.trial} is answered twice")
        seen.add(answer.trial)
        if trials.get(answer.trial) != sorted(answer.shown):
            raise BadInputError(f"trial {answer.trial} with {', '.join(answer.shown)} is none of the study")
        _check_choices(key, answer)
    return answers


def _check_choices(key: StudyKey, answer: StudyAnswer) -> None:
    wanted = {*QUESTIONS[key.design], *([EMOTION] if key.emotions else [])}
    if set(answer.choices) != wanted:
        raise BadInputError(
            f"trial {answer.trial}: expected answers to {', '.join(sorted(wanted))}, found {', '.join(sorted(answer.choices))}"
        )
    for question, choice in answer.choices.items():
        if question == EMOTION:
            fits = choice in key.emotions
        elif key.design is StudyDesign.PAIRS:
            fits = choice in (*answer.shown, SAME)
        else:
            fits = isinstance(choice, int) and LOWEST <= choice <= HIGHEST
        if not fits:
            raise BadInputError(f"trial {answer.trial}: {choice!r} is no answer to {question}")
