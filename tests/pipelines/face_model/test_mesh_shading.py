import numpy as np

from pipelines.face_model.mesh_shading import shaded_face
from pipelines.face_model.reference import load_reference_face

FACE = load_reference_face()


def _picture(tint: np.ndarray | None = None) -> np.ndarray:
    return shaded_face(FACE.points, FACE.triangles, FACE.triangle_groups, 100, tint)


def test_a_face_stands_in_the_middle_of_an_empty_picture() -> None:
    picture = _picture()
    assert (picture.shape, picture.dtype) == ((100, 100, 3), np.uint8)
    assert (picture[[0, 0, -1, -1], [0, -1, 0, -1]] == 250).all()
    covered = (picture != 250).any(axis=2)
    assert 0.3 < covered.mean() < 0.7
    assert abs(np.flatnonzero(covered.any(axis=0)).mean() - 49.5) < 2


def test_both_irises_are_seen() -> None:
    dark = (_picture() == (74, 66, 70)).all(axis=2)
    assert dark[:, :50].sum() > 4
    assert dark[:, 50:].sum() > 4


def test_tinted_skin_is_orange() -> None:
    plain, tinted = _picture(), _picture(np.ones(478))
    forehead = tuple(np.rint(((FACE.points[151, :2] - [0, -0.38]) * [1, -1] / 2.05 + 0.5) * 100).astype(int)[::-1])
    assert int(plain[forehead][2]) - int(tinted[forehead][2]) > 60
    assert abs(int(plain[forehead][0]) - int(tinted[forehead][0])) < 12


def test_triangles_that_face_away_are_not_drawn() -> None:
    assert (shaded_face(FACE.points, FACE.triangles[:, ::-1], FACE.triangle_groups, 100) == 250).all(axis=2).mean() > 0.99
