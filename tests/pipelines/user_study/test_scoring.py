from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipelines.user_study.scoring import estimate, score_study
from storage_schemas.user_study import MethodScores, StudyDesign, StudyScores, StudyVideo
from tests.factories.study_answers import preferences, ratings, study_key

SCORE = {"ground truth": 5, "ours": 4, "other": 2}


def of(scores: StudyScores, method: str) -> MethodScores:
    return next(found for found in scores.methods if found.method == method)


def test_ratings_are_unblinded_into_means() -> None:
    key = study_key(StudyDesign.RATINGS, emotions=("happy", "sad"))

    def choose(video: StudyVideo, question: str) -> int | str:
        if question == "emotion":
            return video.emotion if video.method != "other" else "happy"
        return SCORE[video.method] - (question == "image_quality")

    scores = score_study(key, [ratings(key, name, choose) for name in ("p1", "p2", "p3")])

    assert (scores.participants, scores.answers, scores.unanswered) == (3, 36, 0)
    assert [found.method for found in scores.methods] == ["ours", "other", "ground truth"]
    assert {name: found.mean for name, found in of(scores, "ours").scores.items()} == {"lip_sync": 4, "image_quality": 3}
    assert of(scores, "other").emotion_accuracy is not None
    accuracy = [found.emotion_accuracy.mean for found in scores.methods if found.emotion_accuracy]
    assert accuracy == [1, 0.5, 1]
    assert scores.pairs == []


def test_pairs_are_unblinded_into_shares_and_comparisons() -> None:
    key = study_key(StudyDesign.PAIRS)

    def better(first: StudyVideo, second: StudyVideo, question: str) -> StudyVideo | None:
        if question == "image_quality":
            return None
        return max(first, second, key=lambda video: SCORE[video.method])

    scores = score_study(key, [preferences(key, name, better) for name in ("p1", "p2")])

    assert {found.method: found.scores["preference"].mean for found in scores.methods} == {"ours": 0.5, "other": 0, "ground truth": 1}
    assert {found.scores["image_quality"].mean for found in scores.methods} == {0.5}
    first = next(pair for pair in scores.pairs if (pair.first, pair.second, pair.question) == ("ours", "other", "lip_sync"))
    assert (first.first_better, first.same, first.second_better, first.first_rate.mean) == (8, 0, 0, 1)
    assert first.first_rate.low is not None
    assert 0.6 < first.first_rate.low < 0.7  # Wilson's interval of 8 out of 8


def test_an_interval_is_no_narrower_than_that_over_participants() -> None:
    rng = np.random.default_rng(0)
    votes = [(f"p{person}", float(person % 2) * 3 + 1 + rng.random()) for person in range(6) for _ in range(50)]

    found = estimate(votes, 1, 5)

    means = [np.mean([value for name, value in votes if name == f"p{person}"]) for person in range(6)]
    half = stats.t.ppf(0.975, 5) * np.std(means, ddof=1) / np.sqrt(6)
    assert found.low == pytest.approx(max(1, found.mean - half), abs=1e-5)
    assert found.high == pytest.approx(found.mean + half, abs=1e-5)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(300):
        chance = rng.beta(12, 8, 15)
        votes = [(f"p{person}", float(rng.random() < share)) for person, share in enumerate(chance) for _ in range(10)]
        found = estimate(votes, 0, 1)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.6 <= found.high

    assert held >= 0.93 * 300


def test_one_answer_has_no_interval() -> None:
    found = estimate([("p", 4.0)], 1, 5)

    assert (found.mean, found.low, found.high, found.answers) == (4, None, None, 1)
