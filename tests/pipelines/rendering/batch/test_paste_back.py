from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.rendering.batch.paste_back import LARGEST_PX, Picture, picture_around
from pipelines.rendering.portrait_frame import SquareWindow

FRAME = np.full((32, 32, 3), 200, np.uint8)


def picture(window: SquareWindow, width: int = 100, height: int = 80) -> Picture:
    return Picture(np.full((height, width, 3), 50, np.uint8), window)


def test_only_the_window_changes_and_its_edges_are_blended() -> None:
    shown = picture(SquareWindow(20, 10, 40)).with_face(FRAME)

    assert shown.shape == (80, 100, 3)
    assert shown[30, 40].tolist() == [200, 200, 200]
    outside = np.ones((80, 100), bool)
    outside[10:50, 20:60] = False
    assert (shown[outside] == 50).all()
    assert 50 <= shown[10, 40, 0] < 80
    assert (np.abs(np.diff(shown[10:31, 40, 0].astype(int))) < 100).all()


def test_a_window_beyond_the_edges_fills_the_picture() -> None:
    shown = picture(SquareWindow(-10, -10, 130)).with_face(FRAME)

    assert (shown == 200).all()


def test_large_pictures_are_shrunk_to_even_sides() -> None:
    large = picture_around(np.zeros((1001, 4001, 3), np.uint8), SquareWindow(400, 100, 800))

    height, width = large.rgb.shape[:2]
    assert width == LARGEST_PX
    assert height % 2 == width % 2 == 0
    assert large.window == SquareWindow(192, 48, 384)


def test_a_picture_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = picture(SquareWindow(1, 2, 30))

    found = Picture.read(written.save(tmp_path))

    assert found.window == written.window
    np.testing.assert_array_equal(found.with_face(FRAME), written.with_face(FRAME))
