from __future__ import annotations

import numpy as np
import pytest

from pipelines.training.linear_prediction import fitted_prediction
from pipelines.training.loaded_sequences import LoadedSequences
from tests.factories.coefficient_sequences import invented_sequence

CENTER, SCALE = np.array([1.0, -2.0], np.float32), np.array([0.5, 3.0], np.float32)
MATRICES = np.array([[[-0.5, 0.1], [0.0, -0.6]], [[1.3, 0.0], [0.2, 1.4]]])  # two frames back, one frame back


def loaded(sequences: int = 6, frames: int = 400, noise: float = 0.05) -> LoadedSequences:
    """Return sequences (frames, 2) of a known autoregression in the units above."""
    random = np.random.default_rng(0)
    values = []
    for _ in range(sequences):
        path = np.zeros((frames, 2))
        for frame in range(2, frames):
            path[frame] = path[frame - 2] @ MATRICES[0] + path[frame - 1] @ MATRICES[1] + noise * random.standard_normal(2)
        values.append((path * SCALE + CENTER).astype(np.float32))
    return LoadedSequences([invented_sequence(number, frames) for number in range(sequences)], values)


def test_a_known_prediction_is_found() -> None:
    found = fitted_prediction(loaded(), CENTER, SCALE, past_frames=2, noise=0.001)
    assert found == pytest.approx(np.concatenate(MATRICES), abs=0.05)


def test_noise_on_the_history_leads_back_to_the_mean() -> None:
    trusting, careful = (fitted_prediction(loaded(), CENTER, SCALE, past_frames=2, noise=noise) for noise in (0.001, 0.5))
    far = np.ones(4)
    assert np.linalg.norm(far @ careful) < np.linalg.norm(far @ trusting)


def test_frames_that_do_not_count_are_not_fitted() -> None:
    sequences = loaded()
    spoiled = loaded()
    spoiled.values[100:110] = 1e3
    spoiled.usable[100:113] = False
    clean = fitted_prediction(sequences, CENTER, SCALE, past_frames=2, noise=0.001)
    assert fitted_prediction(spoiled, CENTER, SCALE, past_frames=2, noise=0.001) == pytest.approx(clean, abs=0.02)
