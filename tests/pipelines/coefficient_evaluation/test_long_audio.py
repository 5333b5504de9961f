from __future__ import annotations

import numpy as np
import pytest

from pipelines.coefficient_evaluation.diversity import natural_spread
from pipelines.coefficient_evaluation.long_audio import concatenated_audio, steadiness

RNG = np.random.default_rng(0)
REAL = [RNG.standard_normal((500, 6)) for _ in range(20)]
NATURAL = natural_spread(REAL, [""] * 20)


def test_pieces_follow_each_other_until_the_length_is_reached() -> None:
    pieces = [np.full((10, 80), 1, np.float32), np.full((20, 80), 2, np.float32)]
    sound = concatenated_audio(pieces, 25)

    assert sound.shape == (81, 80)
    assert sound[:, 0].tolist() == ([1.0] * 10 + [2.0] * 20) * 2 + [1.0] * 10 + [2.0] * 11


def test_no_audio_is_an_error() -> None:
    with pytest.raises(ValueError, match="got none"):
        concatenated_audio([np.zeros((0, 80), np.float32)], 5)


def test_real_frames_are_steady() -> None:
    found = steadiness(RNG.permutation(np.concatenate(REAL)), NATURAL)

    assert found["range_share"] == 1
    assert found["largest_excess"] == 0
    assert found["drift"] < 0.1
    assert found["liveliness"] == pytest.approx(1, abs=0.1)


def test_a_drifting_and_a_freezing_face_are_found() -> None:
    drifting = RNG.standard_normal((10_000, 6)) + np.linspace(0, 4, 10_000)[:, None]
    freezing = RNG.standard_normal((10_000, 6)) * np.linspace(1, 0, 10_000)[:, None]

    assert steadiness(drifting, NATURAL)["drift"] > 2
    assert steadiness(drifting, NATURAL)["range_share"] < 0.95
    assert steadiness(freezing, NATURAL)["liveliness"] < 0.1
