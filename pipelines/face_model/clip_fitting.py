"""The coefficients of a clip: fitted, smoothed, judged frame by frame. This is the entry point of fitting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.basis import FaceModel
from pipelines.face_model.blas_threads import one_blas_thread
from pipelines.face_model.camera import project
from pipelines.face_model.fit_basis import FitBasis, prepare_basis
from pipelines.face_model.fit_quality import frame_flags, jitter_percent_iod, jitter_ratio, residual_percent_iod
from pipelines.face_model.fit_smoothing import smooth_expression, smooth_pose
from pipelines.face_model.fitting import FitSettings, filled_landmarks, fit_frames
from pipelines.face_model.rotations import FloatArray
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage

Float32Array = NDArray[np.float32]

# Real clips have 0.1 to 0.9 %; beyond this the landmarks are of something else.
_LARGEST_ERROR_PERCENT = 10.0


@dataclass(frozen=True)
class ClipFit:
    """Coefficients of one clip; T frames, lengths in inter-ocular distances (model units) or shares of the crop's side.

    Attributes:
        identity: (identity modes,) float32 alpha, the same for all frames.
        expression: (T, 64) float32 beta, smoothed.
        expression_raw: (T, 64) float32 as fitted frame by frame.
        pose: (T, 6) float32 rho = pitch, yaw, roll in rad, x, y, scale (see `camera`), smoothed.
        pose_raw: (T, 6) float32.
        detected: (T,) bool; elsewhere landmarks were missing and the coefficients are interpolated in time.
        residual_percent_iod: (T,) float32, mean distance of the landmarks from the smoothed fit in the image; NaN if not detected.
        jitter_percent_iod: (T,) float32, mean second difference of the smoothed fit's rigid points; 0 at both ends.
        flags: (T,) uint8, `fit_quality.FrameFlag`.
        reprojection_error_percent_iod: median over frames and landmarks.
        jitter_ratio: second differences of the rigid points, fitted over raw; NaN if the clip has no three detected frames in a row.
    """

    identity: Float32Array
    expression: Float32Array
    expression_raw: Float32Array
    pose: Float32Array
    pose_raw: Float32Array
    detected: NDArray[np.bool_]
    residual_percent_iod: Float32Array
    jitter_percent_iod: Float32Array
    flags: NDArray[np.uint8]
    reprojection_error_percent_iod: float
    jitter_ratio: float


class ClipFitter:
    """Fits clips with one face model; make one and use it for many clips.

    While it fits it holds BLAS to one thread (see `blas_threads`); for more speed run several processes.

    Args:
        model: learned or BFM.
        settings: see `FitSettings`.
    """

    @one_blas_thread()
    def __init__(self, model: FaceModel, settings: FitSettings) -> None:
        self._model = model.landmark_rows()
        self._basis: FitBasis = prepare_basis(self._model)
        self._settings = settings

    @one_blas_thread()
    def fit(self, landmarks_px: Float32Array, size_px: float, identity: FloatArray | None = None) -> ClipFit:
        """Fit a clip.

        Args:
            landmarks_px: (T, 478, 3) MediaPipe landmarks in crop pixels (x right, y down, z at the scale of x); NaN where missing.
            size_px: side of the crop.
            identity: (identity modes,) to keep, e.g. of the speaker's other clips; None: fitted to this clip.

        Raises:
            ValueError: if the shape of an array is wrong.
            ItemRejectedError: if the clip is too short, has too few detected frames, or landmarks that are no face.
        """
        _check_identity(identity, len(self._model.identity_stddevs))
        filled, detected = filled_landmarks(landmarks_px, self._settings)
        points = filled[:, self._model.landmarks]
        raw = fit_frames(points, size_px, self._basis, self._settings, identity)
        expression = smooth_expression(raw, detected, self._basis, self._settings)
        shape = self._model.shape(raw.identity, raw.expression.mean(axis=0))
        pose = smooth_pose(raw.pose, detected, shape, self._basis.pose_weights, self._settings.pose_smoothing)
        fitted = project(self._model.shape(raw.identity, expression), pose, size_px)
        residual, median = residual_percent_iod(points, fitted, pose[:, 5] * size_px, detected)
        _check_fit(pose, expression, median)
        jitter = jitter_percent_iod(fitted, pose[:, 5] * size_px, self._model.landmarks)
        return ClipFit(
            identity=raw.identity.astype(np.float32),
            expression=expression.astype(np.float32),
            expression_raw=raw.expression.astype(np.float32),
            pose=pose.astype(np.float32),
            pose_raw=raw.pose.astype(np.float32),
            detected=detected,
            residual_percent_iod=residual.astype(np.float32),
            jitter_percent_iod=jitter.astype(np.float32),
            flags=frame_flags(detected, residual, expression / self._model.expression_stddevs, pose),
            reprojection_error_percent_iod=median,
            jitter_ratio=jitter_ratio(points, fitted, detected, self._model.landmarks),
        )


def _check_identity(identity: FloatArray | None, modes: int) -> None:
    if identity is not None and (identity.shape != (modes,) or not np.isfinite(identity).all()):
        raise ValueError(f"identity must be {modes} finite numbers, got an array of shape {identity.shape}")


def _check_fit(pose: FloatArray, expression: FloatArray, error_percent: float) -> None:
    finite = bool(np.isfinite(pose).all() and np.isfinite(expression).all())
    if not finite or not error_percent < _LARGEST_ERROR_PERCENT:
        message = (
            f"the landmarks do not form a face: their median distance from the fitted face is {error_percent:.3g} % of the "
            f"inter-ocular distance, at most {_LARGEST_ERROR_PERCENT:g} % was expected"
        )
        details = {"reprojection_error_percent_iod": error_percent} if np.isfinite(error_percent) else {}
        raise ItemRejectedError(Stage.FACE_MODEL, RejectionReason.FACE_LOST, message, dict(details))
