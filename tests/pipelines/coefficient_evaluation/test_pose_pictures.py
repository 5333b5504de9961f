from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.coefficient_evaluation.pose_pictures import NamedPose, correlation_map, draw_poses, head_speed, loudness

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("lag", [-5, 0, 7])
def test_the_map_is_bright_at_the_delay_of_the_motion(lag: int) -> None:
    sound = RNG.standard_normal(120)
    found = correlation_map(sound, np.roll(sound, lag))

    assert found.shape == (25, 120)
    assert found[:, 40:80].mean(axis=1).argmax() == 12 + lag
    assert found[12 + lag, 40:80].min() > 0.999


def test_unrelated_motion_gives_a_dark_map() -> None:
    assert abs(correlation_map(RNG.standard_normal(400), RNG.standard_normal(400)).mean()) < 0.05


def test_a_still_head_has_no_speed_and_no_correlation() -> None:
    still = np.zeros((40, 6))

    np.testing.assert_array_equal(head_speed(still), np.zeros(40))
    assert correlation_map(RNG.standard_normal(40), head_speed(still)).max() == 0


def test_speed_is_in_radians_a_second() -> None:
    rho = np.zeros((10, 6))
    rho[:, :2] = np.arange(10)[:, None] * [0.03, 0.04]

    np.testing.assert_allclose(head_speed(rho), 1.25)


def test_loudness_is_on_the_clock_of_frames() -> None:
    log_mel = np.full((400, 80), -4.0)
    log_mel[160:] = 2  # sound begins after two seconds

    found = loudness(log_mel, 125)

    assert found.shape == (125,)
    assert found[47] == pytest.approx(-4)
    assert found[53] == pytest.approx(2)


def test_a_row_of_panels_for_each_pose(tmp_path: Path) -> None:
    poses = [NamedPose(name, 0.1 * RNG.standard_normal((60, 6))) for name in ("recorded", "seed 0")]
    draw_poses(tmp_path / "two.png", poses, RNG.standard_normal(60))
    draw_poses(tmp_path / "one.png", poses[:1], RNG.standard_normal(50))

    with Image.open(tmp_path / "two.png") as two, Image.open(tmp_path / "one.png") as one:
        assert two.height == 2 * one.height
