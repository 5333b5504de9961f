from __future__ import annotations

import numpy as np
import pytest

from pipelines.blinks.intervals import SHORTEST_INTERVAL_S, BlinkIntervals, fit_intervals


def seen_in_clips(intervals: BlinkIntervals, clips: int, duration_s: float, seed: int) -> tuple[list[np.ndarray], list[float]]:
    rng = np.random.default_rng(seed)
    seen = []
    for _ in range(clips):
        times = [intervals.draw_first(rng)]
        while times[-1] < duration_s:
            times.append(times[-1] + intervals.draw(rng))
        seen.append(np.array(times[:-1]))
    return seen, [duration_s] * clips


@pytest.mark.parametrize("duration_s", [4.0, 60.0])
@pytest.mark.parametrize("shape", [1.0, 6.0])
def test_the_law_is_recovered_from_short_and_long_clips(duration_s: float, shape: float) -> None:
    fitted = fit_intervals(*seen_in_clips(BlinkIntervals(3.0, shape), round(1600 / duration_s), duration_s, seed=1))

    assert fitted.mean_s == pytest.approx(3.0, rel=0.12)
    assert 0.6 < fitted.shape / shape < 1.7


def test_blinks_come_at_the_mean_rate_from_any_moment_on() -> None:
    times, durations = seen_in_clips(BlinkIntervals(3.0, 4.0), 4000, 2.0, seed=2)

    assert sum(map(len, times)) / sum(durations) == pytest.approx(1 / 3.0, rel=0.05)


def test_a_factor_changes_the_rate_down_to_the_shortest_interval() -> None:
    rng = np.random.default_rng(0)
    intervals = BlinkIntervals(3.0, 4.0)

    assert np.mean([intervals.draw(rng, 2.0) for _ in range(4000)]) == pytest.approx(1.5, rel=0.03)
    assert min(intervals.draw(rng, 1000.0) for _ in range(20)) == SHORTEST_INTERVAL_S
