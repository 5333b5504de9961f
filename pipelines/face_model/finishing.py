"""From exact sums to a face model, by one thread.

Floating-point linear algebra splits its sums by the number of threads, which changes last bits, and a face model's id is a hash of
its content; what goes in are integers, which no order of summation changes.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.accumulation import ExpressionSums, Int64Array
from pipelines.face_model.alignment import STEPS_PER_UNIT, rigid_weights
from pipelines.face_model.basis import EXPRESSION_MODES, IDENTITY_MODES, FaceModel
from pipelines.face_model.blas_threads import one_blas_thread
from pipelines.face_model.identity_prior import smooth_covariance, without_similarity
from pipelines.face_model.landmark_points import LEFT_EYE_OUTER, RIGHT_EYE_OUTER
from pipelines.face_model.learning_settings import LEARNING_VERSION, LearningSettings
from pipelines.face_model.reference import load_reference_face
from pipelines.face_model.rotations import FloatArray
from storage_schemas.part_layout import LANDMARK_COUNT

_SMALLEST_STDDEV = 1e-4


@one_blas_thread()
def finish_face_model(sums: ExpressionSums, bases: Mapping[str, Int64Array], settings: LearningSettings) -> FaceModel:
    """Return the face model of the second pass' sums; use `learning.learn_face_model`, which checks them first."""
    speakers = sorted(sums.shape.frames)
    shapes = np.stack([sums.shape.mean_steps(speaker, bases[speaker]) for speaker in speakers]) / STEPS_PER_UNIT
    mean, unit = _normalised(shapes.mean(axis=0))
    scales = np.tile(np.sqrt([1.0, 1.0, settings.depth_weight]), LANDMARK_COUNT)
    covariance = sums.covariance() / unit**2
    expression, expression_stddevs = _components(covariance, scales, EXPRESSION_MODES)
    identity, identity_stddevs = _components(_identity_covariance(shapes / unit, mean, settings), scales, IDENTITY_MODES)
    reference = load_reference_face()
    return FaceModel(
        source="learned",
        mean=mean.astype(np.float32),
        identity_basis=identity,
        identity_stddevs=identity_stddevs,
        expression_basis=expression,
        expression_stddevs=expression_stddevs,
        triangles=reference.triangles,
        triangle_groups=reference.triangle_groups,
        landmarks=np.arange(LANDMARK_COUNT, dtype=np.int32),
        landmark_vertices=np.arange(LANDMARK_COUNT, dtype=np.int32),
        pose_weights=rigid_weights().astype(np.float32),
        meta={
            "learning_version": LEARNING_VERSION,
            "settings": settings.model_dump(mode="json"),
            "speakers": len(shapes),
            "frames": sum(sums.shape.frames.values()),
            "frames_left_out": sums.shape.frames_left_out,
            "expression_variance_64": _explained(covariance, expression, scales),
        },
    )


def _normalised(mean: FloatArray) -> tuple[FloatArray, float]:
    """Return the mean face with its origin between the outer eye corners and these one unit apart, and that unit."""
    corners = mean[[RIGHT_EYE_OUTER, LEFT_EYE_OUTER]]
    unit = float(np.sqrt(((corners[0] - corners[1]) ** 2).sum()))
    return (mean - corners.mean(axis=0)) / unit, unit


def _components(covariance: FloatArray, scales: FloatArray, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the leading directions (478, 3, count), orthonormal once coordinates are scaled, and their standard deviations.

    The sign of each is chosen so that its largest component is positive.
    """
    values, vectors = np.linalg.eigh(covariance * scales[:, None] * scales)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.where(vectors[largest, np.arange(count)] < 0, -1.0, 1.0)
    basis = (vectors / scales[:, None]).reshape(LANDMARK_COUNT, 3, count)
    return basis.astype(np.float32), np.maximum(np.sqrt(np.maximum(values, 0)), _SMALLEST_STDDEV).astype(np.float32)


def _identity_covariance(shapes: FloatArray, mean: FloatArray, settings: LearningSettings) -> FloatArray:
    differences = (shapes - shapes.mean(axis=0)).reshape(len(shapes), -1)
    smooth = smooth_covariance(mean, load_reference_face().mirror) * settings.smooth_speakers
    blend = (differences.T @ differences + smooth) / (len(shapes) + settings.smooth_speakers)
    return without_similarity(blend, mean, rigid_weights())


def _explained(covariance: FloatArray, basis: NDArray[np.float32], scales: FloatArray) -> float:
    """Return the share of the weighted variance that the basis explains, to six decimals."""
    vectors = basis.reshape(len(covariance), -1).astype(np.float64) * scales[:, None]
    weighted = covariance * scales[:, None] * scales
    return round(float(np.trace(vectors.T @ weighted @ vectors) / np.trace(weighted)), 6)
