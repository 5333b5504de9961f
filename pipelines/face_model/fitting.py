"""Fitting a face model to the landmarks of a clip: one identity, and an expression and a pose for every frame.

Minimised, in inter-ocular distances, is the squared distance between landmarks and projected model points, MediaPipe's depth
counting `depth_weight`, plus ridge terms that hold coefficients to their usual size. Pose and shape are solved in turn, each
exactly (`pose_solving`; one linear system a frame). The identity comes first, from up to `identity_frames` frames, together with
the clip's mean expression, so that an expression held all through is shared out by what either usually does.

The per-frame result is kept as it is (raw) and smoothed (`smoothing`): pose strongly, expression only as far as it moves skin
that lies still on bone; lids, lips, brows and jaw keep every movement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pipelines.face_model.camera import camera_points
from pipelines.face_model.fit_basis import FitBasis
from pipelines.face_model.pose_solving import solve_pose
from pipelines.face_model.rotations import FloatArray, euler_from_matrices
from storage_schemas.errors import ItemRejectedError
from storage_schemas.part_layout import LANDMARK_COUNT
from storage_schemas.rejections import RejectionReason, Stage

_IDENTITY_ROUNDS = 6
_FRAME_ROUNDS = 2
# Errors of neighbouring landmarks go together: a clip tells about its mean shape no more than this many independent frames.
_INDEPENDENT_FRAMES = 25.0


class FitSettings(BaseModel):
    """Choices that decide the coefficients of a clip."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    depth_weight: float = Field(0.1, gt=0, le=1, description="Weight of MediaPipe's depth against image coordinates")
    landmark_noise: float = Field(0.003, gt=0, description="Standard error of a landmark in inter-ocular distances; weighs the ridge terms")
    identity_frames: int = Field(64, ge=1, description="Frames, evenly spaced, that the identity is fitted to")
    min_frames: int = Field(12, ge=1, description="Shorter clips are rejected")
    min_detected: float = Field(0.5, gt=0, le=1, description="Clips with landmarks in a smaller share of frames are rejected")
    pose_smoothing: float = Field(3.0, ge=0, description="Strength of pose smoothing; 0 for none")
    expression_smoothing: float = Field(0.5, ge=0, description="Strength of the smoothing of still skin; 0 for none")


@dataclass(frozen=True)
class RawFit:
    """Per-frame estimates, not smoothed.

    Attributes:
        identity: (identity modes,) alpha.
        expression: (frames, 64) beta.
        pose: (frames, 6) rho, see `camera`.
    """

    identity: FloatArray
    expression: FloatArray
    pose: FloatArray


@dataclass(frozen=True)
class _Placement:
    rotations: FloatArray  # (frames, 3, 3)
    scales: FloatArray  # (frames,)
    places: FloatArray  # (frames, 3) of the model's origin


def filled_landmarks(landmarks_px: NDArray[np.float32], settings: FitSettings) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the landmarks in float64 with missing frames interpolated linearly in time, and which frames were there.

    Raises:
        ValueError: if the array is not (frames, 478, 3).
        ItemRejectedError: if the clip is too short or has landmarks in too few frames.
    """
    if landmarks_px.ndim != 3 or landmarks_px.shape[1:] != (LANDMARK_COUNT, 3):
        raise ValueError(f"landmarks must be (frames, {LANDMARK_COUNT}, 3), got {landmarks_px.shape}")
    frames = len(landmarks_px)
    if frames < settings.min_frames:
        message = f"a fit needs at least {settings.min_frames} frames, the clip has {frames}"
        raise ItemRejectedError(Stage.FACE_MODEL, RejectionReason.TOO_SHORT, message, {"frames": frames, "min_frames": settings.min_frames})
    detected = np.isfinite(landmarks_px).all(axis=(1, 2))
    share = float(detected.mean())
    if share < settings.min_detected:
        message = f"landmarks in {share:.0%} of the frames, at least {settings.min_detected:.0%} are needed"
        raise ItemRejectedError(Stage.FACE_MODEL, RejectionReason.FACE_LOST, message, {"detected": share, "frames": frames})
    points = landmarks_px.astype(np.float64)
    if not detected.all():
        known = np.flatnonzero(detected)
        after = np.clip(np.searchsorted(known, np.arange(frames)), 0, len(known) - 1)
        before = known[np.maximum(after - (known[after] > np.arange(frames)), 0)]
        after = known[after]
        share_after = np.where(after > before, (np.arange(frames) - before) / np.maximum(after - before, 1), 0.0)[:, None, None]
        points = (1 - share_after) * points[before] + share_after * points[after]
    return points, detected


def fit_frames(landmarks_px: FloatArray, size_px: float, basis: FitBasis, settings: FitSettings, identity: FloatArray | None) -> RawFit:
    """Fit the frames of a clip without smoothing.

    Args:
        landmarks_px: (frames, L, 3) finite image points of the basis' landmarks.
        size_px: side of the crop.
        basis: of the face model.
        settings: weights and sizes.
        identity: (identity modes,) to be kept as it is, or None to fit it.
    """
    points = camera_points(landmarks_px, size_px)
    if identity is None:
        chosen = np.unique(np.linspace(0, len(points) - 1, min(settings.identity_frames, len(points))).round().astype(int))
        identity = _fit_identity(points[chosen], basis, settings)
    base = basis.mean + (basis.identity @ identity).reshape(-1, 3)
    expression = np.zeros((len(points), basis.expression.shape[1]))
    placement = _place(points, base[None], basis, settings)
    for _ in range(_FRAME_ROUNDS):
        expression = _fit_expression(points, base, placement, basis, settings)
        placement = _place(points, base + _moved(basis.expression, expression), basis, settings)
    pose = np.concatenate([euler_from_matrices(placement.rotations), placement.places[:, :2], placement.scales[:, None]], axis=1)
    return RawFit(identity, expression, pose)


def _moved(basis: FloatArray, coefficients: FloatArray) -> FloatArray:
    return np.asarray((coefficients @ basis.T).reshape(*coefficients.shape[:-1], -1, 3))


def _place(points: FloatArray, shapes: FloatArray, basis: FitBasis, settings: FitSettings) -> _Placement:
    """Solve the poses of frames (frames, L, 3) for shapes (frames or 1, L, 3)."""
    weights = basis.pose_weights
    centre, middle = weights @ points, weights @ shapes
    relative = shapes - middle[:, None]
    weighted = relative * weights[:, None]
    # the weighted shape sums to nothing, so the points need not be centred
    image_moments = points.transpose(0, 2, 1) @ weighted
    shape_moments = relative.transpose(0, 2, 1) @ weighted
    rotations, scales = solve_pose(image_moments, shape_moments, settings.depth_weight)
    places = centre - scales[:, None] * (rotations @ middle[..., None])[..., 0]
    return _Placement(rotations, scales, places)


def _residuals(points: FloatArray, base: FloatArray, placement: _Placement, depth_weight: float) -> tuple[FloatArray, FloatArray]:
    """Return what is left of frames after a shape, turned back to the model's axes and weighted, and the (frames, 9) metric."""
    turned = ((points - placement.places[:, None]) / placement.scales[:, None, None]) @ placement.rotations
    metric = (placement.rotations.transpose(0, 2, 1) * np.array([1.0, 1.0, depth_weight])) @ placement.rotations
    return ((turned - base) @ metric).reshape(len(points), -1), metric.reshape(len(points), 9)


def _fit_expression(points: FloatArray, base: FloatArray, placement: _Placement, basis: FitBasis, settings: FitSettings) -> FloatArray:
    residuals, metric = _residuals(points, base, placement, settings.depth_weight)
    size = basis.expression.shape[1]
    normal = (metric @ basis.expression_blocks).reshape(-1, size, size)
    normal += np.diag(settings.landmark_noise**2 * basis.expression_precisions)
    return np.asarray(np.linalg.solve(normal, (residuals @ basis.expression)[..., None])[..., 0])


def _fit_identity(points: FloatArray, basis: FitBasis, settings: FitSettings) -> FloatArray:
    """Return the identity of frames (frames, L, 3) by turns with their poses and expressions."""
    identity = np.zeros(basis.identity.shape[1])
    expression = np.zeros((len(points), basis.expression.shape[1]))
    for _ in range(_IDENTITY_ROUNDS):
        base = basis.mean + _moved(basis.identity, identity)
        placement = _place(points, base + _moved(basis.expression, expression), basis, settings)
        identity = _solve_identity(points, placement, basis, settings)
        expression = _fit_expression(points, basis.mean + _moved(basis.identity, identity), placement, basis, settings)
    return identity


def _solve_identity(points: FloatArray, placement: _Placement, basis: FitBasis, settings: FitSettings) -> FloatArray:
    """Solve for identity and mean expression together, given the poses."""
    residuals, metrics = _residuals(points, basis.mean, placement, settings.depth_weight)
    residual, metric = residuals.mean(axis=0), metrics.mean(axis=0)
    sizes = basis.identity.shape[1], basis.expression.shape[1]
    normal = np.zeros((sum(sizes), sum(sizes)))
    normal[: sizes[0], : sizes[0]] = (metric @ basis.identity_blocks).reshape(sizes[0], sizes[0])
    normal[: sizes[0], sizes[0] :] = (metric @ basis.cross_blocks).reshape(sizes)
    normal[sizes[0] :, : sizes[0]] = normal[: sizes[0], sizes[0] :].T
    normal[sizes[0] :, sizes[0] :] = (metric @ basis.expression_blocks).reshape(sizes[1], sizes[1])
    ridge = settings.landmark_noise**2 / min(_INDEPENDENT_FRAMES, len(points))
    normal += np.diag(ridge * np.concatenate([basis.identity_precisions, basis.expression_precisions]))
    right = np.concatenate([residual @ basis.identity, residual @ basis.expression])
    return np.asarray(np.linalg.solve(normal, right)[: sizes[0]])
