"""The weak-perspective camera: where a head pose puts the points of a face in the crop.

A pose is rho = (pitch, yaw, roll, x, y, scale): three angles in radians (`rotations`), the place of the model's origin (midway
between the outer eye corners) from the centre of the crop, x right and y up, and the length of one model unit (the distance
between the outer eye corners seen from the front). The last three are shares of the crop's side, so a pose does not depend on
the resolution of the crop. Image points are in MediaPipe's convention: pixels, x right, y down, z growing away from the camera
at the scale of x, with an arbitrary zero.

Deep3DFaceRecon uses a perspective camera instead; `pose_from_perspective` and `perspective_from_pose` convert to and from its
translation at the depth of the head, where the two cameras agree to first order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.face_model.rotations import FloatArray, matrices_from_euler

POSE_SIZE = 6
POSE_NAMES = ("pitch_rad", "yaw_rad", "roll_rad", "x", "y", "scale")
# Between image axes (x right, y down, z away) and model axes (x right, y up, z towards the camera).
AXIS_SIGNS = np.array([1.0, -1.0, -1.0])


def camera_points(landmarks_px: FloatArray, size_px: float) -> FloatArray:
    """Return image points (..., 3) as points in model axes from the crop's centre, in shares of the crop's side."""
    points = np.asarray(landmarks_px, dtype=np.float64)
    centre = np.array([size_px / 2, size_px / 2, 0.0])
    return np.asarray((points - centre) * (AXIS_SIGNS / size_px))


def image_points(points: FloatArray, size_px: float) -> FloatArray:
    """Undo `camera_points`: (..., 3) shares of the crop's side to crop pixels."""
    centre = np.array([size_px / 2, size_px / 2, 0.0])
    return np.asarray(points * (AXIS_SIGNS * size_px) + centre)


def project(shape: FloatArray, pose: FloatArray, size_px: float) -> FloatArray:
    """Put the points of faces into the crop.

    Args:
        shape: (..., points, 3) in model units and axes.
        pose: (..., 6) rho.
        size_px: side of the crop.

    Returns:
        (..., points, 3) image points in pixels; z is 0 at the depth of the model's origin.
    """
    rotation = matrices_from_euler(pose[..., :3])
    rotated = shape @ np.swapaxes(rotation, -1, -2)
    placed = rotated * pose[..., None, 5:6]
    placed[..., :2] += pose[..., None, 3:5]
    return image_points(placed, size_px)


@dataclass(frozen=True)
class PerspectiveCamera:
    """Deep3DFaceRecon's camera; its image is `image_px` square with y up in its own maths, its unit about 100 mm.

    Attributes:
        focal_px: focal length.
        image_px: side of its aligned crop.
        distance: from the camera to the origin of its world.
        unit_per_iod: outer eye corner distance of its mean face in its units (0.9 for BFM front; exact from the BFM file).
        origin: midway point between the outer eye corners of its mean face, in its units.
    """

    focal_px: float = 1015.0
    image_px: float = 224.0
    distance: float = 10.0
    unit_per_iod: float = 0.9
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)


def pose_from_perspective(angles_rad: FloatArray, translation: FloatArray, camera: PerspectiveCamera) -> FloatArray:
    """Return rho (..., 6) in the perspective camera's own aligned crop.

    Args:
        angles_rad: (..., 3) pitch, yaw, roll.
        translation: (..., 3) in the camera's units; the head comes nearer as z grows.
        camera: focal length and geometry.
    """
    rotation = matrices_from_euler(angles_rad)
    origin = rotation @ np.asarray(camera.origin) + translation
    ratio = camera.focal_px / (camera.distance - origin[..., 2]) / camera.image_px
    place = origin[..., :2] * ratio[..., None]
    return np.concatenate([angles_rad, place, (ratio * camera.unit_per_iod)[..., None]], axis=-1)


def perspective_from_pose(pose: FloatArray, camera: PerspectiveCamera) -> tuple[FloatArray, FloatArray]:
    """Undo `pose_from_perspective`: rho (..., 6) to angles (..., 3) in radians and translation (..., 3)."""
    ratio = pose[..., 5] / camera.unit_per_iod
    depth = camera.distance - camera.focal_px / (ratio * camera.image_px)
    origin = np.concatenate([pose[..., 3:5] / ratio[..., None], depth[..., None]], axis=-1)
    translation = origin - matrices_from_euler(pose[..., :3]) @ np.asarray(camera.origin)
    return pose[..., :3], translation


def pose_in_other_crop(pose: FloatArray, scale: FloatArray, offset: FloatArray) -> FloatArray:
    """Return rho after an image similarity between crops without rotation.

    Args:
        pose: (..., 6) in the first crop.
        scale: (...,) length in the second crop's side of one side of the first.
        offset: (..., 2) place of the first crop's centre in the second, from its centre, x right and y up, in sides of the second.
    """
    moved = np.array(pose, dtype=np.float64)
    moved[..., 3:5] = pose[..., 3:5] * scale[..., None] + offset
    moved[..., 5] = pose[..., 5] * scale
    return moved
