import numpy as np

from pipelines.face_model.geometry import mesh_in_crop, surface_triangles
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
