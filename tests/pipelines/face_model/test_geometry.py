import numpy as np

from pipelines.face_model.geometry import draw_mesh, mesh_in_crop, shaded_face, surface_triangles
from tests.factories.face_models import small_face_model

POSE = np.array([0.0, 0, 0, 0.1, 0, 0.25])


def test_mesh_in_crop() -> None:
    model = small_face_model()
    points = mesh_in_crop(model, np.zeros(80), np.zeros((4, 64)), np.tile(POSE, (4, 1)), 200.0)
    assert points.shape == (4, 478, 3)
    assert np.allclose(points[0, [33, 263], :2], [[95, 100], [145, 100]], atol=1.0)


def test_surface_has_no_irises() -> None:
    triangles = surface_triangles(small_face_model())
    assert len(triangles) == 898
    assert triangles.max() < 468


def test_only_triangles_that_face_the_camera_are_drawn() -> None:
    model = small_face_model()
    points = mesh_in_crop(model, np.zeros(80), np.zeros(64), POSE, 200.0)
    black = np.zeros((200, 200, 3), np.uint8)
    facing, away = (draw_mesh(black, points, triangles).any(axis=2).sum() for triangles in (model.triangles, model.triangles[:, ::-1]))
    assert not black.any()
    assert away < 0.1 * facing  # a few of the invented faces' triangles fold over


def test_shaded_face() -> None:
    model = small_face_model()
    picture = shaded_face(model.mean.astype(np.float64), model.triangles, model.triangle_groups, 100)
    assert picture.shape == (100, 100, 3)
    assert picture[0, 0, 0] == 250
    assert picture[50, 50, 0] < 240
