"""The pose of the head: three rotations and a translation, applied about a pivot behind the mouth at the depth of the ears."""

from __future__ import annotations

import numpy as np

from pipelines.corpora.demo.head_mesh import HeadMesh
from pipelines.corpora.demo.portrait import Float

_CAMERA_DISTANCE = 4.0  # in frame sides; how much nearer means how much larger


def rotation_matrix(yaw_rad: float, pitch_rad: float, roll_rad: float) -> Float:
    """Return roll @ yaw @ pitch (3, 3) in axes x right, y down, z away from the camera.

    Positive pitch looks down, positive yaw turns the face to the image's left, positive roll tilts it clockwise on screen.
    """
    cos, sin = np.cos([yaw_rad, pitch_rad, roll_rad]), np.sin([yaw_rad, pitch_rad, roll_rad])
    yaw = np.array([[cos[0], 0, sin[0]], [0, 1, 0], [-sin[0], 0, cos[0]]])
    pitch = np.array([[1, 0, 0], [0, cos[1], -sin[1]], [0, sin[1], cos[1]]])
    roll = np.array([[cos[2], -sin[2], 0], [sin[2], cos[2], 0], [0, 0, 1]])
    return np.asarray(roll @ yaw @ pitch)


def nearness(pose: Float, size_px: int) -> float:
    """Return how much larger than at rest a head appears that has moved by the pose's z."""
    return float(1 / (1 + pose[5] / (_CAMERA_DISTANCE * size_px)))


def place_head(points: Float, follow: Float, mesh: HeadMesh, size_px: int, pose: Float) -> Float:
    """Return points (n, 3) of the head in a pose.

    Args:
        points: (n, 3) in frame pixels, unturned.
        follow: (n,) share of the motion each point takes.
        mesh: gives the pivot.
        size_px: side of the frame.
        pose: (6,) yaw, pitch, roll in radians, then the translation in frame pixels (z away from the camera).
    """
    turned = (points - mesh.pivot) @ rotation_matrix(*pose[:3]).T
    placed = turned * nearness(pose, size_px) + mesh.pivot + np.array([pose[3], pose[4], 0.0])
    return np.asarray(points + follow[:, None] * (placed - points))
