"""Head rotations as Euler angles in Deep3DFaceRecon's convention, matrices and rotation vectors.

The axes are those of every face model here: x right in the image, y up, z towards the camera (right-handed). A point p of the
head goes to R p with R = Rz(roll) Ry(yaw) Rx(pitch). A positive pitch nods the head down, a positive yaw turns the nose to the
right of the image (the person's own left), a positive roll tilts the head anticlockwise as seen in the image. Angles are in
radians; the decomposition is unique for a yaw between -pi/2 and pi/2.

Source: sicxu/Deep3DFaceRecon_pytorch, models/bfm.py, `compute_rotation` (which returns the transpose, for row vectors).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def matrices_from_euler(angles_rad: FloatArray) -> FloatArray:
    """Return the rotation matrices of Euler angles.

    Args:
        angles_rad: (..., 3) pitch, yaw, roll.

    Returns:
        (..., 3, 3), R = Rz Ry Rx, to be applied to column vectors.
    """
    angles = np.asarray(angles_rad, dtype=np.float64)
    cx, cy, cz = (np.cos(angles[..., axis]) for axis in range(3))
    sx, sy, sz = (np.sin(angles[..., axis]) for axis in range(3))
    rows = (
        (cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx),
        (sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx),
        (-sy, cy * sx, cy * cx),
    )
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def euler_from_matrices(rotations: FloatArray) -> FloatArray:
    """Return (..., 3) pitch, yaw, roll in radians of (..., 3, 3) rotation matrices; yaw lies in [-pi/2, pi/2]."""
    matrices = np.asarray(rotations, dtype=np.float64)
    pitch = np.arctan2(matrices[..., 2, 1], matrices[..., 2, 2])
    yaw = np.arcsin(np.clip(-matrices[..., 2, 0], -1.0, 1.0))
    roll = np.arctan2(matrices[..., 1, 0], matrices[..., 0, 0])
    return np.stack([pitch, yaw, roll], axis=-1)


def cross_matrices(vectors: FloatArray) -> FloatArray:
    """Return (..., 3, 3) matrices K with K p = v x p for vectors v (..., 3)."""
    x, y, z = (vectors[..., axis] for axis in range(3))
    zero = np.zeros_like(x)
    rows = ((zero, -z, y), (z, zero, -x), (-y, x, zero))
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def matrices_from_vectors(vectors_rad: FloatArray) -> FloatArray:
    """Return the (..., 3, 3) rotations about the directions of (..., 3) vectors by their lengths in radians (Rodrigues)."""
    vectors = np.asarray(vectors_rad, dtype=np.float64)
    angle = np.sqrt((vectors * vectors).sum(axis=-1))[..., None, None]
    cross = cross_matrices(vectors)
    # np.sinc(x) is sin(pi x)/(pi x) and exact at 0
    first = np.sinc(angle / np.pi)
    second = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    return np.asarray(np.eye(3) + first * cross + second * (cross @ cross))
