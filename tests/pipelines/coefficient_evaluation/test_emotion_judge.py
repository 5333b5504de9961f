from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.coefficient_evaluation.emotion_judge import accuracy, train_judge
from storage_schemas.errors import BadInputError

LABELS = ("angry", "happy", "neutral", "sad")
CENTRES = 2 * np.random.default_rng(3).standard_normal((4, 64))


def clips(per_label: int, seed: int) -> tuple[list[NDArray[np.float32]], list[str]]:
    rng = np.random.default_rng(seed)
    labels = [label for label in LABELS for _ in range(per_label)]
    return [(CENTRES[LABELS.index(label)] + rng.standard_normal((60, 64))).astype(np.float32) for label in labels], labels


def test_a_judge_tells_real_clips_apart() -> None:
    judge = train_judge(*clips(5, seed=0))
    sequences, expected = clips(4, seed=1)

    assert judge.labels == LABELS
    assert accuracy(judge.nearest_mean(sequences), expected) == 1
    assert accuracy(judge.classify(sequences), expected) == 1


def test_shuffled_labels_give_chance() -> None:
    judge = train_judge(*clips(5, seed=0))
    sequences, expected = clips(100, seed=1)
    shuffled = list(np.random.default_rng(4).permutation(expected))

    assert accuracy(judge.nearest_mean(sequences), shuffled) == pytest.approx(0.25, abs=0.08)
    assert accuracy(judge.classify(sequences), shuffled) == pytest.approx(0.25, abs=0.08)


def test_clips_without_a_label_are_left_out_and_short_ones_are_judged() -> None:
    sequences, labels = clips(5, seed=0)
    judge = train_judge([*sequences, np.full((50, 64), np.float32(9))], [*labels, ""])

    assert judge.labels == LABELS
    assert judge.classify([sequences[0][:5]]) == ["angry"]


def test_one_emotion_cannot_be_told_apart() -> None:
    with pytest.raises(BadInputError, match="has 1: happy"):
        train_judge([np.zeros((5, 64))], ["happy"])


def test_no_labels_have_no_accuracy() -> None:
    assert np.isnan(accuracy([], []))
