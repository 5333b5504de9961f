from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.coefficient_evaluation.blink_measures import blink_overlap, blinks_per_minute


def eyes(frames: int, blinks: list[int]) -> NDArray[np.float64]:
    curve = np.full(frames, 0.2) + 0.002 * np.sin(np.arange(frames))
    for frame in blinks:
        curve[frame - 1 : frame + 3] = [0.1, 0.02, 0.06, 0.14]
    return curve


def test_blinks_are_counted_by_the_minute() -> None:
    assert blinks_per_minute([eyes(750, [50, 120, 300]), eyes(750, [400])]) == pytest.approx(4)
    assert blinks_per_minute([eyes(250, [])]) == 0
    assert np.isnan(blinks_per_minute([]))


def test_equal_samples_share_every_blink() -> None:
    blinks = np.array([20, 90])

    assert blink_overlap([blinks, blinks, blinks], 200)[0] == 1


def test_blinks_at_other_times_are_not_shared() -> None:
    share, chance = blink_overlap([np.array([20, 90]), np.array([50, 140])], 200)

    assert share == 0
    assert chance == pytest.approx(14 / 200)


def test_random_blinks_are_shared_as_often_as_chance_says() -> None:
    rng = np.random.default_rng(2)
    samples = [np.sort(rng.choice(np.arange(5, 1995), 40, replace=False)) for _ in range(12)]
    share, chance = blink_overlap(samples, 2000)

    assert share == pytest.approx(chance, abs=0.02)


def test_samples_without_blinks_have_no_overlap() -> None:
    nothing = np.zeros(0, dtype=np.int64)

    assert np.isnan(blink_overlap([nothing, nothing], 100)[0])
