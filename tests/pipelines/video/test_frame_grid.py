"""Every slot is filled, frames never go back, and what the source shows appears within 20 ms."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.video.frame_grid import FrameGrid, assign_slots, slot_count

TIME_BASES = [Fraction(1, 90000), Fraction(1, 1000), Fraction(1, 12800), Fraction(1001, 30000), Fraction(1, 1_000_000), Fraction(1, 25)]


@given(
    steps=st.lists(st.integers(1, 20_000), min_size=0, max_size=60),
    time_base=st.sampled_from(TIME_BASES),
    first=st.integers(-(10**9), 10**9),
)
@settings(max_examples=200, deadline=None)
def test_properties(steps: list[int], time_base: Fraction, first: int) -> None:
    scale = max(1, int(Fraction(1, 90000) / time_base)) if time_base < Fraction(1, 90000) else 1
    steps = [1 + step * scale % 5000 if time_base >= Fraction(1, 1000) else step * scale for step in steps]
    frame_pts = np.cumsum([first, *steps], dtype=np.int64)
    grid = assign_slots(frame_pts, time_base)
    times = [int(pts - first) * time_base for pts in frame_pts]
    assert len(grid) == slot_count(frame_pts, time_base)
    assert grid.source_index[0] >= 0
    assert grid.source_index[-1] == len(frame_pts) - 1
    assert np.all(np.diff(grid.source_index) >= 0)
    np.testing.assert_array_equal(grid.held[1:], np.diff(grid.source_index) == 0)
    # Whatever a frame shows first is on view within 20 ms of its time: in that slot, the frame or one after it.
    for index, time in enumerate(times):
        first_slot = int(np.searchsorted(grid.source_index, index))
        assert first_slot < len(grid)
        assert abs(grid.phase_s + Fraction(first_slot, 25) - time) <= Fraction(1, 50)


@pytest.mark.parametrize(
    "fps", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(30), Fraction(50), Fraction(60000, 1001)]
)
def test_any_onset_appears_within_20_ms(fps: Fraction) -> None:
    frame_pts = np.arange(0, 1001 * 400, 1001, dtype=np.int64)
    grid = assign_slots(frame_pts, 1 / fps / 1001)
    first_slots = np.searchsorted(grid.source_index, np.arange(400))
    assert _largest_delay_s(grid, fps, first_slots) <= Fraction(1, 50)


def _largest_delay_s(grid: FrameGrid, fps: Fraction, first_slots: np.ndarray) -> Fraction:
    return max(abs(grid.phase_s + Fraction(int(slot), 25) - onset / fps) for onset, slot in enumerate(first_slots))


@pytest.mark.parametrize(
    ("fps", "largest_s"), [(15, "1/75"), (24, "23/1200"), (25, "0"), (30, "1/60"), (50, "1/100"), (60, "11/600"), (100, "3/200")]
)
def test_no_frame_lies_halfway_between_slots(fps: int, largest_s: str) -> None:
    grid = assign_slots(np.arange(400, dtype=np.int64), Fraction(1, fps))
    first_slots = np.searchsorted(grid.source_index, np.arange(400))
    assert _largest_delay_s(grid, Fraction(fps), first_slots) <= Fraction(largest_s)
    assert 0 <= grid.phase_s <= Fraction(1, 100)


def test_25_fps_is_the_identity() -> None:
    grid = assign_slots(np.arange(100, dtype=np.int64) * 512 + 7, Fraction(1, 12800))
    assert grid.source_index.tolist() == list(range(100))
    assert not grid.held.any()


def test_a_slot_shows_its_last_frame() -> None:
    # The frames at 30, 40 and 59 ms are all in slot 1 (20..60 ms), the one at 60 ms opens slot 2.
    grid = assign_slots(np.array([0, 30, 40, 59, 60], np.int64), Fraction(1, 1000))
    assert grid.source_index.tolist() == [0, 3, 4]


def test_a_gap_is_held() -> None:
    grid = assign_slots(np.array([0, 40, 200], np.int64), Fraction(1, 1000))
    assert grid.source_index.tolist() == [0, 1, 1, 1, 1, 2]
    assert grid.held.tolist() == [False, False, True, True, True, False]


@pytest.mark.parametrize("frame_pts", [[], [0, 0], [5, 3]])
def test_times_must_increase(frame_pts: list[int]) -> None:
    with pytest.raises(ValueError, match="frame_pts"):
        assign_slots(np.array(frame_pts, np.int64), Fraction(1, 1000))
