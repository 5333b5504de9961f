"""Smoothing a fitted clip: how sure the pose and the expression of a frame are, and how fast either may change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.camera import project
from pipelines.face_model.fit_basis import FitBasis
from pipelines.face_model.fitting import FitSettings, RawFit
from pipelines.face_model.rotations import FloatArray, matrices_from_euler
from pipelines.face_model.smoothing import smooth_jointly

# What a head and its skin usually do between frames at 25 a second: second differences of pitch, yaw, roll (rad), place
# (inter-ocular distances) and log scale; of still skin (inter-ocular distances).
_POSE_ACCELERATIONS = np.array([0.02, 0.02, 0.01, 0.01, 0.01, 0.005])
_SKIN_ACCELERATION = 0.002
# Error of a frame's landmarks as far as they move together, in inter-ocular distances.
_COMMON_NOISE = 0.01
_JACOBIAN_STEP = 1e-5


def smooth_pose(pose: FloatArray, detected: NDArray[np.bool_], shape: FloatArray, weights: FloatArray, strength: float) -> FloatArray:
    """Return the smoothed pose (frames, 6).

    Args:
        pose: (frames, 6) raw rho.
        detected: (frames,) bool; other frames are bridged.
        shape: (L, 3) the clip's mean face.
        weights: (L,) pose weights, sum 1.
        strength: 0 for no smoothing.
    """
    if strength == 0:
        return pose.copy()
    unit = float(np.median(pose[:, 5]))
    free = np.concatenate([np.unwrap(pose[:, :3], axis=0), pose[:, 3:5] / unit, np.log(pose[:, 5:] / unit)], axis=1)
    information = _pose_information(free[detected].mean(axis=0), shape, weights) / _COMMON_NOISE**2
    smooth = smooth_jointly(free, information, np.diag(strength / _POSE_ACCELERATIONS**2), detected.astype(np.float64))
    return np.concatenate([smooth[:, :3], smooth[:, 3:5] * unit, np.exp(smooth[:, 5:]) * unit], axis=1)


def _pose_information(middle: FloatArray, shape: FloatArray, weights: FloatArray) -> FloatArray:
    """Return J^T W J of the image points by (pitch, yaw, roll, x, y, log scale), lengths in inter-ocular distances."""
    steps = np.concatenate([[np.zeros(6)], np.eye(6) * _JACOBIAN_STEP])
    poses = steps + np.concatenate([middle[:5], [0.0]])
    poses[:, 5] = np.exp(poses[:, 5])
    moved = project(np.broadcast_to(shape, (7, *shape.shape)), poses, 1.0)[..., :2]
    jacobian = (moved[1:] - moved[0]) / _JACOBIAN_STEP * np.sqrt(weights)[:, None]
    return np.asarray(np.einsum("ikl,jkl->ij", jacobian, jacobian))


def smooth_expression(raw: RawFit, detected: NDArray[np.bool_], basis: FitBasis, settings: FitSettings) -> FloatArray:
    """Return the smoothed expression (frames, 64): still skin moves slowly, lids, lips, brows and jaw as they did."""
    if settings.expression_smoothing == 0:
        return raw.expression.copy()
    rotations = matrices_from_euler(raw.pose[:, :3])
    metric = (rotations.transpose(0, 2, 1) * np.array([1.0, 1.0, settings.depth_weight])) @ rotations
    size = raw.expression.shape[1]
    data = (metric.mean(axis=0).reshape(9) @ basis.expression_blocks).reshape(size, size)
    information = data / settings.landmark_noise**2 + np.diag(basis.expression_precisions)
    roughness = basis.expression_roughness * (settings.expression_smoothing / _SKIN_ACCELERATION**2)
    return smooth_jointly(raw.expression, information, roughness, detected.astype(np.float64))
