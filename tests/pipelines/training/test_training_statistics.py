from __future__ import annotations

import numpy as np
import pytest

from pipelines.training.loaded_sequences import LoadedSequences, emotion_index
from pipelines.training.training_statistics import measured
from storage_schemas.errors import BadInputError
from tests.factories.coefficient_sequences import invented_sequence


def loaded(count: int = 4, frames: int = 50) -> LoadedSequences:
    sequences = [invented_sequence(number, frames, emotion="neutral" if number % 2 else "happy") for number in range(count)]
    return LoadedSequences(sequences, [sequence.beta for sequence in sequences])


def test_figures_are_those_of_the_frames() -> None:
    clips = loaded()
    found = measured(clips, (64,), 0.05)
    np.testing.assert_allclose(found.center, clips.values.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.deviation, clips.values.std(axis=0), atol=1e-6)
    np.testing.assert_array_equal(found.largest, clips.values.max(axis=0))
    assert ((found.low >= found.smallest) & (found.high <= found.largest)).all()
    assert clips.log_mel is not None
    np.testing.assert_allclose(found.mel_center, clips.log_mel.mean(axis=0), atol=1e-5)
    labels = np.repeat(clips.emotions, clips.frames)
    np.testing.assert_allclose(found.neutral, clips.values[labels == emotion_index("neutral")].mean(axis=0), atol=1e-6)
    assert found.emotion_frames[emotion_index("happy")] == 100


def test_noise_is_not_blown_up() -> None:
    found = measured(loaded(), (64,), 0.05)
    largest = found.deviation.max()
    np.testing.assert_allclose(found.scale, np.sqrt(found.deviation**2 + (0.05 * largest) ** 2), rtol=1e-5)


def test_kinds_of_components_have_floors_of_their_own() -> None:
    found = measured(loaded(), (1, 63), 1.0)
    assert found.scale[2] < found.scale[0] / 4


def test_frames_that_are_not_usable_do_not_count() -> None:
    clips = loaded()
    clips.usable[:] = False
    clips.usable[:40] = True
    np.testing.assert_allclose(measured(clips, (64,), 0.0).center, clips.values[:40].mean(axis=0), atol=1e-6)


def test_too_few_frames() -> None:
    with pytest.raises(BadInputError, match="20 usable frames, expected 32"):
        measured(loaded(1, 20), (64,), 0.05)
