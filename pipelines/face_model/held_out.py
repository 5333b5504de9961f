"""How well expression modes describe clips that they were not learned from, from the exact sums alone."""

from __future__ import annotations

import numpy as np

from pipelines.face_model.accumulation import ExpressionSums
from pipelines.face_model.basis import EXPRESSION_MODES
from pipelines.face_model.blas_threads import one_blas_thread
from pipelines.face_model.learning import MIN_FRAMES
from pipelines.face_model.learning_settings import LearningSettings
from storage_schemas.part_layout import LANDMARK_COUNT

_DIGITS = 4


@one_blas_thread()
def held_out_error_percent_iod(learned: ExpressionSums, held_out: ExpressionSums, settings: LearningSettings) -> float | None:
    """Return the root mean square distance in the image between held-out frames and their nearest face in 64 modes of the others.

    Frames are aligned to their speaker's mean, in which the held-out ones take part; the modes are those of the other clips alone.

    Args:
        learned: sums of the clips that the modes are made of.
        held_out: sums of the others.
        settings: of both passes.

    Returns:
        Percent of the inter-ocular distance, to four digits; None if there are too few frames of one or the other.
    """
    if sum(learned.shape.frames.values()) < MIN_FRAMES or not sum(held_out.shape.frames.values()):
        return None
    scales = np.tile(np.sqrt([1.0, 1.0, settings.depth_weight]), LANDMARK_COUNT)
    vectors = np.linalg.eigh(learned.covariance() * scales[:, None] * scales)[1][:, -EXPRESSION_MODES:]
    missed = np.eye(len(scales)) - (vectors / scales[:, None]) @ (vectors * scales[:, None]).T
    variances = np.einsum("ij,ij->i", missed @ held_out.covariance(), missed).reshape(LANDMARK_COUNT, 3)
    return round(float(np.sqrt(variances[:, :2].sum(axis=1).mean()) * 100), _DIGITS)
