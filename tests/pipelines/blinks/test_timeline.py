from __future__ import annotations

import numpy as np
import pytest

from pipelines.blinks.timeline import BlinkTimeline
from tests.factories.coefficient_models import blink_model


def closure(seed: int, length: int = 1000, chunk: int = 1000, **settings: object) -> np.ndarray:
    timeline = BlinkTimeline(blink_model(), np.random.default_rng(seed), **settings)  # type: ignore[arg-type]
    return np.concatenate([timeline.closure(first, min(chunk, length - first)) for first in range(0, length, chunk)])


def count(curve: np.ndarray) -> int:
    return int(((curve[1:] > 0.5) & (curve[:-1] <= 0.5)).sum())


def test_the_pieces_make_no_difference() -> None:
    np.testing.assert_array_equal(closure(4, chunk=7), closure(4))


def test_seeds_blink_at_other_times() -> None:
    together = np.minimum(closure(1) > 0.5, closure(2) > 0.5).sum()

    assert together < 0.3 * (closure(1) > 0.5).sum()


def test_the_rate_is_that_of_the_clips() -> None:
    blinks = sum(count(closure(seed, 2000)) for seed in range(10))

    assert blinks / (10 * 2000 / 1500) == pytest.approx(blink_model().rate_per_minute, rel=0.15)


def test_the_rate_can_be_changed_and_blinks_can_be_left_out() -> None:
    usual = sum(count(closure(seed)) for seed in range(10))

    assert sum(count(closure(seed, rate_factor=0.5)) for seed in range(10)) == pytest.approx(usual / 2, rel=0.25)
    assert closure(0, rate_factor=0.0).max() == 0


def test_given_frames_are_the_deepest() -> None:
    curve = closure(0, 100, frames=(60, 20))

    assert np.flatnonzero(curve > 0.8).tolist() == [20, 60]


def test_a_blink_may_begin_before_the_first_frame() -> None:
    assert closure(0, 50, frames=(0,))[0] > 0.8
