from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.face_tracking.boxes import Box
from pipelines.face_tracking.tracking_region import REGION_TO_FACE, Region, choose_region, has_outgrown, whole_frame


def test_region_is_a_square_around_a_small_face() -> None:
    region = choose_region(Box(900, 500, 960, 560), 1920, 1080)
    assert (region.width_px, region.height_px) == (round(60 * REGION_TO_FACE),) * 2
    assert region.contains(900 - 60, 500 - 60, 180, 180)
    assert not has_outgrown(Box(900, 500, 960, 560), region, 1920, 1080)


def test_region_reaches_further_above_the_face_than_below() -> None:
    region = choose_region(Box(900, 500, 960, 560), 1920, 1080)
    assert 500 - region.y_px > region.y_px + region.height_px - 560


def test_large_face_gets_the_whole_frame() -> None:
    assert choose_region(Box(700, 200, 1200, 700), 1920, 1080) == whole_frame(1920, 1080)


def test_other_face_makes_the_region_tighter() -> None:
    face, other = Box(200, 100, 300, 200), Box(380, 100, 480, 200)
    alone, beside = choose_region(face, 1920, 1080), choose_region(face, 1920, 1080, others=[other])
    assert other.share_inside(alone.box) > 0
    assert other.share_inside(beside.box) < other.share_inside(alone.box)
    assert choose_region(face, 1920, 1080, others=[Box(1500, 100, 1600, 200)]) == alone


def test_region_contains_what_it_must_show() -> None:
    window = Region(500, 100, 400, 400)
    region = choose_region(Box(900, 500, 960, 560), 1920, 1080, window)
    assert region.contains(500, 100, 400, 400)
    assert not has_outgrown(Box(900, 500, 960, 560), region, 1920, 1080)


@given(x=st.floats(-50, 1950), y=st.floats(-50, 1100), size=st.floats(1, 1500))
def test_region_lies_in_the_frame_wherever_the_face_is(x: float, y: float, size: float) -> None:
    region = choose_region(Box(x, y, x + size, y + size), 1920, 1080)
    assert whole_frame(1920, 1080).contains(region.x_px, region.y_px, region.width_px, region.height_px)


@pytest.mark.parametrize(("box", "expected"), [((110, 110, 190, 190), True), ((150, 150, 210, 210), False), ((240, 150, 300, 210), True)])
def test_face_near_an_inner_edge_has_outgrown_its_region(box: tuple[float, float, float, float], expected: bool) -> None:
    assert has_outgrown(Box(*box), Region(100, 100, 200, 200), 1920, 1080) is expected


def test_edge_of_the_frame_cannot_be_outgrown() -> None:
    assert not has_outgrown(Box(0, 0, 80, 80), Region(0, 0, 200, 200), 1920, 1080)


def test_cut_is_contiguous_and_the_whole_frame_is_not_copied() -> None:
    frame = np.zeros((60, 80, 3), np.uint8)
    part = Region(10, 20, 30, 15).cut(frame)
    assert part.shape == (15, 30, 3)
    assert part.flags.c_contiguous
    assert np.shares_memory(whole_frame(80, 60).cut(frame), frame)
