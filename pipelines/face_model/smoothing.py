"""Smoothing without lag: the exact least-squares compromise between per-frame estimates and small second differences.

For per-frame estimates x_t with information J (their inverse covariance) and a roughness matrix K, the smoothed sequence is the
minimum of

    sum_t w_t (p_t - x_t)^T J (p_t - x_t) + sum_t (p_{t-1} - 2 p_t + p_{t+1})^T K (p_{t-1} - 2 p_t + p_{t+1}),

a Whittaker smoother. It is symmetric in time, so nothing is delayed, and straight lines pass unchanged. One generalised
eigenproblem of (K, J) turns it into independent sequences, each a system with five diagonals. Directions that K does not mind
(lids and lips) are hardly touched however strongly others (the skull) are smoothed.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh, solveh_banded

from pipelines.face_model.rotations import FloatArray


def smooth_jointly(estimates: FloatArray, information: FloatArray, roughness: FloatArray, frame_weights: FloatArray) -> FloatArray:
    """Return the smoothed sequence.

    Args:
        estimates: (frames, size), finite.
        information: (size, size) J, positive definite.
        roughness: (size, size) K, positive semi-definite.
        frame_weights: (frames,) w, 0 for frames without an estimate; at least one is above 0.
    """
    if len(estimates) < 3:
        return np.array(estimates)
    strengths, vectors = eigh(roughness, information)  # vectors^T J vectors = 1
    separate = estimates @ information @ vectors
    smooth = np.stack([whittaker(separate[:, k], max(strength, 0.0), frame_weights) for k, strength in enumerate(strengths)], axis=-1)
    return np.asarray(smooth @ vectors.T)


def whittaker(values: FloatArray, strength: float, weights: FloatArray) -> FloatArray:
    """Return the sequence p with the least sum of weights * (p - values)^2 + strength * (second differences of p)^2.

    Args:
        values: (frames,), at least 3.
        strength: 0 leaves the values alone where the weights are above 0.
        weights: (frames,), not negative; gaps are bridged by the smoothest curve.
    """
    frames = len(values)
    bands = np.zeros((3, frames))
    bands[2] = weights + 1e-9  # a gap stays solvable with no roughness
    second = np.array([1.0, -2.0, 1.0])
    for first in range(3):
        for last in range(first, 3):
            # second-difference row t touches frames t, t+1, t+2
            bands[2 - (last - first), last : last + frames - 2] += strength * second[first] * second[last]
    return np.asarray(solveh_banded(bands, weights * values + 1e-9 * values, overwrite_ab=True, check_finite=False))
