from __future__ import annotations

import numpy as np
import pytest

from pipelines.blinks.detection import Blink, closing_drops, detect_blinks

CLOSING = (0.065, 0.005, 0.03, 0.08)


def curve_with(*deepest: int, frames: int = 100) -> np.ndarray:
    curve = np.full(frames, 0.1)
    for frame in deepest:
        for offset, value in enumerate(CLOSING):
            if 0 <= frame - 1 + offset < frames:
                curve[frame - 1 + offset] = value
    return curve


def test_blinks_are_found_with_their_extent() -> None:
    assert detect_blinks(curve_with(20, 60)) == [Blink(18, 20, 23), Blink(58, 60, 63)]


def test_two_blinks_in_a_row_do_not_overlap() -> None:
    first, second = detect_blinks(curve_with(20, 26))

    assert first.last < second.first


@pytest.mark.parametrize("deepest", [0, 99])
def test_a_blink_at_the_edge_of_a_clip_is_found(deepest: int) -> None:
    (blink,) = detect_blinks(curve_with(deepest))

    assert blink.deepest == deepest


@pytest.mark.parametrize("curve", [np.full(100, 0.1), 0.1 + 0.005 * np.sin(np.arange(100)), np.full(2, 0.1), np.zeros(0)])
def test_open_eyes_do_not_blink(curve: np.ndarray) -> None:
    assert detect_blinks(curve) == []


def test_drops_fill_the_dips_and_nothing_else() -> None:
    curve = curve_with(0, 20, 60)
    drop, opened = closing_drops(curve, detect_blinks(curve))

    np.testing.assert_allclose(opened, 0.1, atol=0.002)
    assert drop.min() >= 0
    assert drop[30:55].max() == 0
    assert drop[20] == pytest.approx(0.095, abs=0.002)
