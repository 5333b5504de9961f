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
_ITERATIONS = 6


def solve_pose(image_moments: FloatArray, shape_moments: FloatArray, depth_weight: float) -> tuple[FloatArray, FloatArray]:
    """Return rotations and scales that minimise the cost of this module.

    Args:
        image_moments: (frames, 3, 3) M, in model axes.
        shape_moments: (frames, 3, 3) or (3, 3) C, of full rank.
        depth_weight: 0 to 1.

    Returns:
        rotations (frames, 3, 3) and scales (frames,).
    """
    weights = np.array([1.0, 1.0, depth_weight])
    rotations = _procrustes(image_moments)
    shapes = np.broadcast_to(shape_moments, image_moments.shape)
    for _ in range(_ITERATIONS):
        scales = _best_scale(rotations, image_moments, shapes, weights)
        step = _gauss_newton_step(rotations, scales, image_moments, shapes, weights)
        rotations = matrices_from_vectors(step[:, :3] / scales[:, None]) @ rotations
    return rotations, _best_scale(rotations, image_moments, shapes, weights)


def _procrustes(image_moments: FloatArray) -> FloatArray:
    left, _, right = np.linalg.svd(image_moments)
    signs = np.ones((*image_moments.shape[:1], 3))
    signs[:, 2] = np.sign(np.linalg.det(left @ right))
    return np.asarray((left * signs[:, None, :]) @ right)


def _weighted_trace(weights: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """Return sum_kl weights_k first_kl second_kl for (frames, 3, 3) arrays, in a fixed order of summation."""
    total = np.zeros(np.broadcast_shapes(first.shape, second.shape)[0])
    for row in range(3):
        for column in range(3):
            total = total + weights[row] * (first[:, row, column] * second[:, row, column])
    return total


def _best_scale(rotations: FloatArray, image_moments: FloatArray, shapes: FloatArray, weights: FloatArray) -> FloatArray:
    dividend = _weighted_trace(weights, image_moments, rotations)
    divisor = _weighted_trace(weights, rotations @ shapes, rotations)
    return np.maximum(dividend / divisor, 1e-9)


def _gauss_newton_step(
    rotations: FloatArray, scales: FloatArray, image_moments: FloatArray, shapes: FloatArray, weights: FloatArray
) -> FloatArray:
    turned = rotations.transpose(0, 2, 1)
    spread = rotations @ shapes @ turned
    residual = image_moments @ turned - scales[:, None, None] * spread
    gradient = np.stack([_weighted_trace(weights, residual, generator[None]) for generator in _GENERATORS], axis=-1)
    moved = [generator @ spread for generator in _GENERATORS]
    hessian = np.stack(
        [np.stack([_weighted_trace(weights, row, generator[None]) for generator in _GENERATORS], axis=-1) for row in moved], axis=-2
    )
    return np.asarray(np.linalg.solve(hessian, gradient[..., None])[..., 0])
