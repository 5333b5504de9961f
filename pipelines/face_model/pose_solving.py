"""Weak-perspective pose of a known shape in closed form plus Gauss-Newton, for many frames at once.

For weights w and centred image points x and shape points r the cost

    sum_i w_i (x_i - s R r_i)^T W (x_i - s R r_i),   W = diag(1, 1, depth_weight),

depends on the points only through M = sum w x r^T and C = sum w r r^T (3 x 3 each), so frames with hundreds of points cost
three small matrices. MediaPipe's depth is model-made and drifts with pose, hence `depth_weight` well under 1.

Only per-matrix operations (matmul, LAPACK on 3 x 3 and 4 x 4) and element-wise ones are used: a frame's result does not depend
on the other frames of the call.
"""

from __future__ import annotations

import numpy as np

from pipelines.face_model.rotations import FloatArray, cross_matrices, matrices_from_vectors

# d(R p)/d(rotation vector component) at p is generator @ p; the fourth generator is the scale's.
_GENERATORS = np.concatenate([cross_matrices(np.eye(3)), np.eye(3)[None]])
_STACKED = _GENERATORS.reshape(12, 3)
_FLAT = np.ascontiguousarray(_GENERATORS.reshape(4, 9).T)
# Quadratic convergence: from the start that depth gives, 4 steps reach 1e-10 rad on real faces.
_ITERATIONS = 5


def solve_pose(image_moments: FloatArray, shape_moments: FloatArray, depth_weight: float) -> tuple[FloatArray, FloatArray]:
    """Return rotations and scales that minimise the cost of this module.

    Args:
        image_moments: (frames, 3, 3) M, in model axes.
        shape_moments: (frames, 3, 3) or (3, 3) C, of full rank.
        depth_weight: 0 to 1.

    Returns:
        rotations (frames, 3, 3) and scales (frames,).
    """
    weights = np.array([1.0, 1.0, depth_weight])[:, None]
    rotations = _procrustes(image_moments)
    scales = np.zeros(len(rotations))
    for iteration in range(_ITERATIONS + 1):
        turned = rotations.transpose(0, 2, 1)
        spread = rotations @ shape_moments @ turned
        facing = image_moments @ turned
        scales = np.maximum(_diagonal_sum(facing, weights) / _diagonal_sum(spread, weights), 1e-9)
        if iteration < _ITERATIONS:
            step = _gauss_newton_step(facing - scales[:, None, None] * spread, spread, weights)
            rotations = matrices_from_vectors(step / scales[:, None]) @ rotations
    return rotations, scales


def _procrustes(image_moments: FloatArray) -> FloatArray:
    left, _, right = np.linalg.svd(image_moments)
    signs = np.ones((*image_moments.shape[:1], 3))
    signs[:, 2] = np.sign(np.linalg.det(left @ right))
    return np.asarray((left * signs[:, None, :]) @ right)


def _diagonal_sum(matrices: FloatArray, weights: FloatArray) -> FloatArray:
    return np.asarray(weights[0] * matrices[:, 0, 0] + weights[1] * matrices[:, 1, 1] + weights[2] * matrices[:, 2, 2])


def _gauss_newton_step(residual: FloatArray, spread: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the (frames, 3) rotation part of the step, times the scale."""
    gradient = (weights * residual).reshape(-1, 1, 9) @ _FLAT
    moved = (_STACKED @ spread).reshape(-1, 4, 3, 3)
    hessian = (weights * moved).reshape(-1, 4, 9) @ _FLAT
    return np.asarray(np.linalg.solve(hessian, gradient.transpose(0, 2, 1))[:, :3, 0])
