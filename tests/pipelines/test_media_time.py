"""Conversions are exact and round half up."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from pipelines.media_time import (
    frames_to_samples,
    frames_to_seconds,
    rescale_ticks,
    round_half_up,
    samples_to_seconds,
    seconds_to_frames,
    seconds_to_samples,
)


@pytest.mark.parametrize(("value", "expected"), [(Fraction(1, 2), 1), (Fraction(-1, 2), 0), (Fraction(-3, 2), -1), (2.49, 2), (0, 0)])
def test_round_half_up(value: Fraction, expected: int) -> None:
    assert round_half_up(value) == expected


def test_conversions_agree() -> None:
    assert seconds_to_frames(Fraction(1001, 1000)) == 25
    assert frames_to_samples(25) == seconds_to_samples(1) == 16000
    assert frames_to_seconds(3) == pytest.approx(0.12)
    assert samples_to_seconds(640) == pytest.approx(0.04)


def test_rescaling_is_exact_where_64_bits_would_wrap() -> None:
    ticks = np.array([0, 10**12, 3 * 10**14 + 1], np.int64)
    time_base = Fraction(1, 10**9 + 7)
    expected = [round_half_up(int(tick) * time_base * 16000) for tick in ticks]
    assert rescale_ticks(ticks, time_base, 16000).tolist() == expected


def test_time_base_must_be_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        rescale_ticks(np.zeros(1, np.int64), Fraction(0), 25)
