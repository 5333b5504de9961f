from __future__ import annotations

import numpy as np

from pipelines.face_model.obj_writing import obj_text


def test_vertices_and_triangles_are_written_counting_from_one() -> None:
    text = obj_text(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.5]]), np.array([[0, 1, 2]], np.int32))
    assert text == "v 0.000000 0.000000 0.000000\nv 1.000000 0.000000 0.000000\nv 0.000000 1.000000 0.500000\nf 1 2 3\n"
