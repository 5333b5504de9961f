from __future__ import annotations

import numpy as np
import pytest

from pipelines.face_tracking.boxes import Box


def test_overlap_of_equal_apart_and_half_covered_boxes() -> None:
    box = Box(0, 0, 10, 20)
    assert box.overlap(box) == 1.0
    assert box.overlap(Box(10, 0, 20, 20)) == 0.0
    assert box.overlap(Box(5, 0, 15, 20)) == pytest.approx(1 / 3)
    assert box.share_inside(Box(5, 0, 15, 20)) == pytest.approx(0.5)


def test_empty_boxes_overlap_nothing() -> None:
    empty = Box(3, 3, 3, 3)
    assert empty.overlap(empty) == 0.0
    assert empty.share_inside(Box(0, 0, 10, 10)) == 0.0
    assert empty.size == 0.0


def test_box_of_mesh_leaves_the_irises_out() -> None:
    landmarks = np.zeros((478, 3), np.float32)
    landmarks[:468, 0] = np.linspace(10, 20, 468)
    landmarks[:468, 1] = np.linspace(-5, 30, 468)
    landmarks[468:] = 1000
    assert Box.of_mesh(landmarks) == (10, -5, 20, 30)


def test_rows_keep_their_order() -> None:
    assert Box.rows(np.array([[0, 1, 2, 3], [4, 5, 6, 7]], np.float32)) == [(0, 1, 2, 3), (4, 5, 6, 7)]
    assert Box.rows(np.empty((0, 4), np.float32)) == []
