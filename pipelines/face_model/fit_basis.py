"""A face model prepared for fitting: float64 rows of its landmarks and the matrices that every frame shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.face_model.basis import FaceModel
from pipelines.face_model.landmark_points import INNER_LIPS, LEFT_BROW, LEFT_LIDS, OUTER_LIPS, RIGHT_BROW, RIGHT_LIDS
from pipelines.face_model.reference import load_reference_face
from pipelines.face_model.rotations import FloatArray
from storage_schemas.part_layout import LANDMARK_COUNT

# Skin that expression moves by less than this (root mean square, inter-ocular distances) is expected to move slowly ...
_STILL_MOTION = (0.02, 0.01)
# ... unless it is this near to lids, lips or brows.
_NEAR_FEATURES = 0.3


@dataclass(frozen=True)
class FitBasis:
    """Arrays for fitting; L landmarks, Ki identity and 64 expression modes.

    Attributes:
        mean: (L, 3).
        identity, expression: (3 L, modes).
        identity_blocks, expression_blocks: (9, modes * modes), products of the rows of each pair of axes: for a 3 x 3 metric O the
            normal matrix is sum_kl O_kl block_kl.
        cross_blocks: (9, Ki * 64), the same between identity and expression.
        identity_precisions, expression_precisions: (modes,) inverse prior variances.
        pose_weights: (L,), sum 1.
        expression_roughness: (64, 64), what a second difference of the expression costs: its squared movement of still skin.
    """

    mean: FloatArray
    identity: FloatArray
    expression: FloatArray
    identity_blocks: FloatArray
    expression_blocks: FloatArray
    cross_blocks: FloatArray
    identity_precisions: FloatArray
    expression_precisions: FloatArray
    pose_weights: FloatArray
    expression_roughness: FloatArray


def prepare_basis(model: FaceModel) -> FitBasis:
    """Return what fitting needs of a model; reuse it for many clips."""
    rows = model.landmark_vertices
    identity = model.identity_basis[rows].astype(np.float64)
    expression = model.expression_basis[rows].astype(np.float64)
    weighted = expression * _still_skin()[model.landmarks][:, None, None]
    flat = expression.reshape(-1, expression.shape[2])
    return FitBasis(
        mean=model.mean[rows].astype(np.float64),
        identity=identity.reshape(-1, identity.shape[2]),
        expression=flat,
        identity_blocks=_blocks(identity, identity),
        expression_blocks=_blocks(expression, expression),
        cross_blocks=_blocks(identity, expression),
        identity_precisions=1 / model.identity_stddevs.astype(np.float64) ** 2,
        expression_precisions=1 / model.expression_stddevs.astype(np.float64) ** 2,
        pose_weights=model.pose_weights.astype(np.float64),
        expression_roughness=flat.T @ weighted.reshape(flat.shape),
    )


def _blocks(first: FloatArray, second: FloatArray) -> FloatArray:
    pairs = [(first[:, row].T @ second[:, column]).reshape(-1) for row in range(3) for column in range(3)]
    return np.stack(pairs)


def _still_skin() -> FloatArray:
    """Return (478,) weights from 0 (lids, lips, brows, jaw) to 1 (forehead, nose bridge, temples, cheek bones)."""
    face = load_reference_face()
    features = face.points[[*RIGHT_LIDS, *LEFT_LIDS, *OUTER_LIPS, *INNER_LIPS, *RIGHT_BROW, *LEFT_BROW]]
    distances = np.sqrt(((face.points[:, None] - features) ** 2).sum(axis=-1)).min(axis=1)
    still = np.clip((_STILL_MOTION[0] - face.motion) / _STILL_MOTION[1], 0, 1) * np.clip(distances / _NEAR_FEATURES, 0, 1)
    still[LANDMARK_COUNT - 10 :] = 0.0
    # The corners of the eyes are bone too, though they lie on the lids.
    still[[33, 133, 263, 362]] = 1.0
    return np.asarray(still)
