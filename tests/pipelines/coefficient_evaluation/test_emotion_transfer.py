from __future__ import annotations

from pipelines.coefficient_evaluation.emotion_transfer import transfer_pairs


def test_every_pair_of_different_emotions() -> None:
    assert transfer_pairs(["sad", "happy", "sad"], 10) == [(0, 1), (1, 0), (1, 2), (2, 1)]


def test_many_pairs_are_thinned_evenly() -> None:
    pairs = transfer_pairs([f"e{number % 8}" for number in range(16)], 20)

    assert len(pairs) == 20
    assert {target for target, _ in pairs} == set(range(16))


def test_clips_without_a_label_are_in_no_pair() -> None:
    assert transfer_pairs(["", "happy"], 10) == []
    assert transfer_pairs([], 10) == []
