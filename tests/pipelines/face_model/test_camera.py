import numpy as np

from pipelines.face_model.camera import (
    PerspectiveCamera,
    camera_points,
    image_points,
    perspective_from_pose,
    pose_from_perspective,
    pose_in_other_crop,
    project,
)
from pipelines.face_model.rotations import matrices_from_euler

RNG = np.random.default_rng(0)
POSE = np.array([0.1, -0.2, 0.05, 0.03, -0.04, 0.3])


def test_axes() -> None:
    shape = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    origin, right, up, near = project(shape, np.array([0, 0, 0, 0, 0, 0.25]), 200.0)
    assert np.allclose(origin, [100, 100, 0])
    assert np.allclose(right - origin, [50, 0, 0])
    assert np.allclose(up - origin, [0, -50, 0])  # y points down in the image
    assert np.allclose(near - origin, [0, 0, -50])  # z grows away from the camera


def test_image_points_and_back() -> None:
    points = RNG.normal(size=(5, 7, 3))
    assert np.allclose(camera_points(image_points(points, 512.0), 512.0), points)


def test_pose_does_not_depend_on_resolution() -> None:
    shape = RNG.normal(size=(10, 3))
    assert np.allclose(project(shape, POSE, 512.0), 2 * project(shape, POSE, 256.0))


def test_perspective_and_back() -> None:
    camera = PerspectiveCamera(unit_per_iod=0.93, origin=(0.01, 0.3, 0.5))
    angles, translation = RNG.normal(0, 0.3, (20, 3)), RNG.normal(0, 0.3, (20, 3))
    back = perspective_from_pose(pose_from_perspective(angles, translation, camera), camera)
    assert np.allclose(back[0], angles)
    assert np.allclose(back[1], translation)


def test_weak_perspective_agrees_with_perspective_for_a_far_camera() -> None:
    """A camera a hundred times as far with a hundred times the focal length sees a face as the weak-perspective one does."""
    shape = RNG.normal(0, 0.5, (40, 3))
    camera = PerspectiveCamera(focal_px=101500.0, distance=1000.0, unit_per_iod=0.9, origin=(0.0, 0.2, 0.1))
    angles, translation = np.array([0.1, 0.3, -0.2]), np.array([0.1, -0.2, 0.4])
    world = (shape * 0.9 + camera.origin) @ matrices_from_euler(angles).T + translation
    seen = world[:, :2] * camera.focal_px / (camera.distance - world[:, 2:])
    expected = np.stack([seen[:, 0] + 112, 112 - seen[:, 1]], axis=-1)
    pose = pose_from_perspective(angles, translation, camera)
    assert np.abs(project(shape, pose, 224.0)[:, :2] - expected).max() < 0.1


def test_pose_in_other_crop() -> None:
    """The first crop, 100 px, is a 50 px square of a 200 px frame with its centre at (70, 120)."""
    shape = RNG.normal(size=(10, 3))
    moved = pose_in_other_crop(POSE, np.array(50 / 200), np.array([70 / 200 - 0.5, 0.5 - 120 / 200]))
    expected = project(shape, POSE, 100.0)[:, :2] * 0.5 + np.array([70, 120]) - 25
    assert np.allclose(project(shape, moved, 200.0)[:, :2], expected)
