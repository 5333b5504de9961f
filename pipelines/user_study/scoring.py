"""Scores of a study: means and shares by method with confidence intervals, and how pairs of methods compare."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from storage_schemas.user_study import (
    EMOTION,
    HIGHEST,
    LOWEST,
    QUESTIONS,
    SAME,
    Estimate,
    MethodScores,
    PairScores,
    StudyAnswers,
    StudyDesign,
    StudyKey,
    StudyScores,
)

_CONFIDENCE = 0.95


class _Vote(NamedTuple):
    """One value that one participant gave."""

    participant: str
    value: float


def score_study(key: StudyKey, answers: Sequence[StudyAnswers], notes: Sequence[str] = ()) -> StudyScores:
    """Unblind answers and sum them up.

    Args:
        key: of the study.
        answers: one for each participant, as `read_answers` returns them.
        notes: what was left out.
    """
    votes = _ratings(key, answers) if key.design is StudyDesign.RATINGS else _shares(key, answers)
    given = sum(len(found.answers) for found in answers)
    most = max(len(found.answers) for found in answers)
    return StudyScores(
        study=key.study, title=key.title, design=key.design, participants=len(answers), answers=given,
        unanswered=sum(most - len(found.answers) for found in answers),
        methods=[_method(key, method, votes) for method in key.methods], pairs=_pairs(key, answers), notes=list(notes),
    )  # fmt: skip


def estimate(votes: Sequence[tuple[str, float]], least: float, most: float) -> Estimate:
    """Return the mean over answers with its 95 % interval.

    Answers of one participant resemble each other, so an interval over answers alone is too narrow; with few participants one over their
    means is uncertain itself. The wider end counts on each side. Shares (0 to 1) have Wilson's interval over answers, since Student's has
    no width where all agree.

    Args:
        votes: (participant, value), at least one.
        least: smallest possible value; the interval is cut there.
        most: largest possible value, likewise.
    """
    values = np.array([value for _, value in votes])
    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(mean=round(mean, 6), low=None, high=None, answers=len(values))
    by_participant = defaultdict(list)
    for participant, value in votes:
        by_participant[participant].append(value)
    intervals = [_wilson(values) if (least, most) == (0.0, 1.0) else _student(values, mean)]
    if len(by_participant) > 1:
        intervals.append(_student(np.array([np.mean(found) for found in by_participant.values()]), mean))
    low, high = min(low for low, _ in intervals), max(high for _, high in intervals)
    return Estimate(mean=round(mean, 6), low=round(max(least, low), 6), high=round(min(most, high), 6), answers=len(values))


def _student(values: np.ndarray[tuple[int], np.dtype[np.float64]], middle: float) -> tuple[float, float]:
    half = float(stats.t.ppf((1 + _CONFIDENCE) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values)))
    return middle - half, middle + half


def _wilson(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    count, share = len(values), float(values.mean())
    z = float(stats.norm.ppf((1 + _CONFIDENCE) / 2))
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    return middle - half, middle + half


_Votes = Mapping[tuple[str, str], list[_Vote]]


def _ratings(key: StudyKey, answers: Iterable[StudyAnswers]) -> _Votes:
    videos = {video.video: video for video in key.videos}
    votes: dict[tuple[str, str], list[_Vote]] = defaultdict(list)
    for found in answers:
        for answer in found.answers:
            video = videos[answer.shown[0]]
            for question, choice in answer.choices.items():
                value = float(choice == video.emotion) if question == EMOTION else float(choice)
                votes[video.method, question].append(_Vote(found.participant, value))
    return votes


def _shares(key: StudyKey, answers: Iterable[StudyAnswers]) -> _Votes:
    methods = {video.video: video.method for video in key.videos}
    votes: dict[tuple[str, str], list[_Vote]] = defaultdict(list)
    for found in answers:
        for answer in found.answers:
            for question, choice in answer.choices.items():
                for video in answer.shown:
                    votes[methods[video], question].append(_Vote(found.participant, _won(choice, video)))
    return votes


def _won(choice: str | int, video: str) -> float:
    return 0.5 if choice == SAME else float(choice == video)


def _method(key: StudyKey, method: str, votes: _Votes) -> MethodScores:
    least, most = (0.0, 1.0) if key.design is StudyDesign.PAIRS else (float(LOWEST), float(HIGHEST))
    scores = {name: estimate(votes[method, name], least, most) for name in QUESTIONS[key.design] if votes.get((method, name))}
    accuracy = estimate(votes[method, EMOTION], 0.0, 1.0) if votes.get((method, EMOTION)) else None
    return MethodScores(method=method, scores=scores, emotion_accuracy=accuracy)


def _pairs(key: StudyKey, answers: Sequence[StudyAnswers]) -> list[PairScores]:
    if key.design is not StudyDesign.PAIRS:
        return []
    methods = {video.video: video.method for video in key.videos}
    found: dict[tuple[str, str, str], list[_Vote]] = defaultdict(list)
    for person in answers:
        for answer in person.answers:
            first, second = sorted(answer.shown, key=lambda video: key.methods.index(methods[video]))
            for question, choice in answer.choices.items():
                found[methods[first], methods[second], question].append(_Vote(person.participant, _won(choice, first)))
    rows = []
    for first, second in itertools.combinations(key.methods, 2):
        for question in QUESTIONS[key.design]:
            votes = found.get((first, second, question))
            if not votes:
                continue
            counts = [sum(vote.value == value for vote in votes) for value in (1.0, 0.5, 0.0)]
            rows.append(
                PairScores(
                    first=first, second=second, question=question, first_better=counts[0], same=counts[1], second_better=counts[2],
                    first_rate=estimate(votes, 0.0, 1.0),
                )
            )  # fmt: skip
    return rows
