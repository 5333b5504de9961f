from __future__ import annotations

import numpy as np
import pytest

from pipelines.training.window_plan import PHASES, WindowPlan, in_phase
from tests.factories.coefficient_sequences import MemorySequences, invented_sequence


def plan_of(lengths: list[int], *, buffer_frames: int = 10**9, batch: int = 4, seed: int = 0) -> WindowPlan:
    source = MemorySequences([invented_sequence(number, frames) for number, frames in enumerate(lengths)])
    return WindowPlan(source.table("train"), 10, batch, seed, buffer_frames)


def seen(plan: WindowPlan, step: int) -> list[tuple[int, int]]:
    buffer = plan.buffer(step)
    position, start = plan.batch(buffer, step)
    return list(zip(buffer.rows[position].tolist(), start.tolist(), strict=True))


@pytest.mark.parametrize("buffer_frames", [10**9, 100])
def test_a_batch_depends_on_seed_and_step_alone(buffer_frames: int) -> None:
    lengths = [30, 41, 8, 77, 52, 60]
    forward = plan_of(lengths, buffer_frames=buffer_frames)
    batches = [seen(forward, step) for step in range(40)]
    assert [seen(forward, step) for step in reversed(range(40))] == batches[::-1]
    assert seen(plan_of(lengths, buffer_frames=buffer_frames), 33) == batches[33]
    assert seen(plan_of(lengths, buffer_frames=buffer_frames, seed=1), 33) != batches[33]
    assert len({tuple(batch) for batch in batches}) == 40


def test_an_epoch_deals_every_window_once_in_proportion_to_the_lengths() -> None:
    plan = plan_of([100, 50, 20, 5, 30, 40], batch=5)
    batches = plan.buffer(0).batches
    rows = [row for step in range(batches) for row, _ in seen(plan, step)]
    assert batches == 5
    assert np.bincount(rows).tolist() == [10, 5, 2, 1, 3, 4]


def test_windows_of_a_batch_have_one_phase_and_lie_in_their_sequence() -> None:
    lengths = [30, 41, 8, 77]
    plan = plan_of(lengths)
    phases = set()
    for step in range(200):
        batch = seen(plan, step)
        phases |= {start % PHASES for _, start in batch}
        assert len({start % PHASES for _, start in batch}) == 1
        assert all(-2 <= start <= max(0, lengths[row] - 10) + 2 for row, start in batch)
    assert phases == set(range(PHASES))


def test_all_frames_of_a_sequence_are_seen_about_as_often() -> None:
    plan = plan_of([60], batch=6)
    counts = np.zeros(60)
    for step in range(3000):
        for _, start in seen(plan, step):
            counts[max(0, start) : start + 10] += 1
    assert counts.min() > 0.4 * counts.mean()
    assert counts.max() < 2.0 * counts.mean()


def test_fewer_windows_than_a_batch_are_repeated() -> None:
    assert len(seen(plan_of([12], batch=4), 7)) == 4


def test_buffers_hold_some_parts_and_an_epoch_all_of_them() -> None:
    plan = plan_of([50] * 12, buffer_frames=150)
    first = plan.buffer(0)
    epoch, step = [], 0
    while plan.buffer(step).epoch == 0:
        epoch.append(plan.buffer(step))
        step += plan.buffer(step).batches
    assert len(epoch) == 3
    assert sorted(np.concatenate([buffer.rows for buffer in epoch]).tolist()) == list(range(12))
    assert plan.buffer(0) is not None
    following = plan.following(first)
    assert following is not None
    assert following.first_step == first.batches


def test_what_fits_stays_in_memory() -> None:
    plan = plan_of([50] * 12)
    assert plan.following(plan.buffer(0)) is None


def test_in_phase_takes_the_nearest() -> None:
    assert in_phase(np.array([0, 1, 4, 5, 6, 11]), 3).tolist() == [-2, 3, 3, 3, 8, 13]
