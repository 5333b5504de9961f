from __future__ import annotations

import pytest

from pipelines.training.schedule import Budget, LearningRate


def test_without_a_cap_the_clock_is_not_heeded() -> None:
    budget = Budget(100)
    assert budget.planned_steps(50, 1e9) == 100
    assert not budget.ended(99, 1e9)
    assert budget.ended(100, 0.0)


def test_a_cap_that_does_not_bind_changes_nothing() -> None:
    budget = Budget(100, cap_s=60)
    assert {budget.planned_steps(step, step * 0.5) for step in range(101)} == {100}


def test_a_cap_that_binds_shortens_the_plan() -> None:
    budget = Budget(100, cap_s=60)
    assert budget.planned_steps(30, 36.0) == 50
    assert budget.planned_steps(49, 59.9) == 50
    assert budget.ended(50, 60.0)
    assert not budget.ended(0, 61.0)


def test_the_learning_rate_rises_falls_and_ends() -> None:
    rate = LearningRate(1.0, 10, 0.1)
    assert rate.at(0, 100) == pytest.approx(1 / 11)
    assert rate.at(10, 100) == pytest.approx(1.0)
    assert rate.at(55, 100) == pytest.approx(0.55)
    assert rate.at(100, 100) == pytest.approx(0.1)
    assert rate.at(200, 100) == pytest.approx(0.1)
