"""What faces may look like beyond the speakers seen: smooth, mostly symmetric deformations of the mean face.

A corpus has tens of speakers, too few to span the faces that a portrait may show, and a demo corpus one. The covariance of the
speakers' means is therefore blended with that of a Gaussian process over the mean face (a Gaussian-process morphable model:
Luthi et al., Gaussian Process Morphable Models, TPAMI 2018), and the leading directions of the blend are the identity basis.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.rotations import FloatArray, cross_matrices

# (standard deviation, length over which points move together), in inter-ocular distances: overall form and features. Chosen so
# that their sum agrees with the spread of aligned faces of 22 people (0.04 to 0.05 a coordinate).
_SCALES = ((0.045, 0.6), (0.02, 0.25))
_SYMMETRIC_SHARE = 0.85
_MIRROR_SIGNS = (-1.0, 1.0, 1.0)


def smooth_covariance(points: FloatArray, mirror: NDArray[np.int64]) -> FloatArray:
    """Return the (points * 3, points * 3) covariance of smooth deformations.

    Args:
        points: (points, 3) mean face in model units.
        mirror: (points,) the number of each point's mirror image.
    """
    count = len(points)
    distances = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    near = np.sum([deviation**2 * np.exp(-distances / (2 * length**2)) for deviation, length in _SCALES], axis=0)
    covariance = np.zeros((count, 3, count, 3))
    for axis, sign in enumerate(_MIRROR_SIGNS):
        # Symmetric deformations: half the sum of a field and its mirror image, scaled to keep the variance off the midline.
        mirrored = (near + sign * near[:, mirror] + sign * near[mirror] + near[np.ix_(mirror, mirror)]) / 2
        covariance[:, axis, :, axis] = (1 - _SYMMETRIC_SHARE) * near + _SYMMETRIC_SHARE * mirrored
    return np.asarray(covariance.reshape(count * 3, count * 3))


def without_similarity(covariance: FloatArray, points: FloatArray, weights: FloatArray) -> FloatArray:
    """Take rotation, translation and scaling out of a covariance: those belong to the pose.

    Args:
        covariance: (points * 3, points * 3).
        points: (points, 3) mean face.
        weights: (points,) weights of the pose.
    """
    motions = similarity_motions(points)
    weighted = motions * np.repeat(weights, 3)[:, None]
    projector = np.eye(len(covariance)) - motions @ np.linalg.solve(motions.T @ weighted, weighted.T)
    return np.asarray(projector @ covariance @ projector.T)


def similarity_motions(points: FloatArray) -> FloatArray:
    """Return (points * 3, 7): how points move in three rotations, three translations and a scaling."""
    turns = np.stack([points @ cross.T for cross in cross_matrices(np.eye(3))], axis=-1)
    shifts = np.broadcast_to(np.eye(3), (len(points), 3, 3))
    return np.asarray(np.concatenate([turns, shifts, points[:, :, None]], axis=-1).reshape(len(points) * 3, 7))
