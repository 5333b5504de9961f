import numpy as np
import pytest

from pipelines.training.images.frame_batches import with_rare

NUMBERS = np.arange(1000, 21000)


def test_rare_frames_have_their_shares() -> None:
    closed, wide = np.arange(10), np.arange(20, 25)
    drawn = with_rare(NUMBERS, ((closed, 0.3), (wide, 0.25)), np.random.default_rng(0))

    assert np.isin(drawn, closed).mean() == pytest.approx(0.3, abs=0.01)
    assert np.isin(drawn, wide).mean() == pytest.approx(0.25, abs=0.01)
    assert set(closed) | set(wide) <= set(drawn)
    kept = drawn >= 1000
    assert np.array_equal(drawn[kept], NUMBERS[kept])


def test_kinds_that_are_not_there_change_nothing() -> None:
    nothing = np.zeros(0, np.int64)
    drawn = with_rare(NUMBERS, ((nothing, 0.3), (np.arange(5), 0.0)), np.random.default_rng(0))
    assert np.array_equal(drawn, NUMBERS)
