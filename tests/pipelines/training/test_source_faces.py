from __future__ import annotations

import numpy as np

from pipelines.training.coefficient_sequences import CoefficientSequence, Float32Array
from pipelines.training.source_faces import CLIPS_A_SPEAKER, FRAMES_A_SPEAKER, SourceFaces
from tests.factories.coefficient_sequences import MemorySequences, invented_sequence


def beta(sequence: CoefficientSequence) -> Float32Array:
    return sequence.beta


SOURCE = MemorySequences(
    [
        *(invented_sequence(number, 50, speaker="A", emotion="neutral" if number % 2 else "angry") for number in range(16)),
        *(invented_sequence(number, 50, speaker="B", emotion="happy") for number in range(16, 19)),
        invented_sequence(19, 50, speaker="C", emotion="neutral", split="validation"),
        invented_sequence(20, 50, speaker="A", emotion="neutral", split="validation"),
    ]
)


def faces() -> SourceFaces:
    return SourceFaces(SOURCE, [SOURCE.table("train"), SOURCE.table("validation")], beta)


def rows_of(*numbers: int) -> set[bytes]:
    return {row.tobytes() for number in numbers for row in SOURCE.sequences[f"clip-{number:03d}"].beta}


def test_a_speaker_with_neutral_clips_shows_frames_of_those() -> None:
    found = faces().faces("A")
    assert len(found) == FRAMES_A_SPEAKER
    assert {row.tobytes() for row in found} <= rows_of(*range(1, 16, 2))


def test_a_speaker_without_neutral_clips_shows_the_mean() -> None:
    found = faces().faces("B")
    expected = np.concatenate([SOURCE.sequences[f"clip-{number:03d}"].beta for number in range(16, 19)]).mean(axis=0)
    np.testing.assert_allclose(found, expected[None], atol=1e-6)


def test_a_speaker_is_looked_for_in_the_first_split_first() -> None:
    assert {row.tobytes() for row in faces().faces("C")} <= rows_of(19)
    assert not {row.tobytes() for row in faces().faces("A")} & rows_of(20)


def test_faces_are_the_same_every_time_and_read_once() -> None:
    first = faces()
    before = SOURCE.reads
    drawn = first.draw(["A", "B", "A"], np.random.default_rng(3))
    first.draw(["A"] * 50, np.random.default_rng(4))
    assert SOURCE.reads - before == CLIPS_A_SPEAKER + 3
    np.testing.assert_array_equal(drawn, faces().draw(["A", "B", "A"], np.random.default_rng(3)))
