"""How good a fit is: per-frame residual, jitter and flags, and the figures of a clip."""

from __future__ import annotations

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import percentile_filter
from scipy.signal import find_peaks

from pipelines.face_model.landmark_points import RIGID_POINTS
from pipelines.face_model.rotations import FloatArray

_LARGEST_RESIDUAL_PERCENT = 4.0
_LARGEST_EXPRESSION = 4.0  # root mean square over the modes, in standard deviations
_LARGEST_ANGLE_RAD = np.deg2rad(45.0)
_BLINK_DEPTH = 0.35
_LONGEST_BLINK = 12
_BLINK_WINDOW = 51


class FrameFlag(IntFlag):
    """What is wrong with a frame's coefficients; 0 for nothing."""

    MISSING = 1  # no landmarks; interpolated in time
    RESIDUAL = 2  # the landmarks lie far from the fitted face
    EXPRESSION_RANGE = 4  # an expression far outside what the model was learned from
    POSE_RANGE = 8  # pitch or yaw beyond 45 degrees, where landmarks are guessed


def residual_percent_iod(
    landmarks_px: FloatArray, fitted_px: FloatArray, iod_px: FloatArray, detected: NDArray[np.bool_]
) -> tuple[FloatArray, float]:
    """Return each frame's mean distance of landmarks from the fit, NaN where not detected, and the median over all landmarks.

    Args:
        landmarks_px: (frames, L, 3) raw image points; depth is not compared.
        fitted_px: (frames, L, 3).
        iod_px: (frames,) inter-ocular distance of the fitted face seen from the front.
        detected: (frames,) bool.
    """
    step = (landmarks_px - fitted_px)[..., :2]
    percent = np.sqrt((step * step).sum(axis=-1)) / iod_px[:, None] * 100
    return np.where(detected, percent.mean(axis=1), np.nan), float(np.median(percent[detected]))


def _rigid_movement(points_px: FloatArray, landmarks: NDArray[np.int32]) -> FloatArray:
    """Return (frames - 2,) mean length of the second differences of the rigid points that the model has."""
    chosen = np.isin(landmarks, RIGID_POINTS)
    second = np.diff(points_px[:, chosen, :2], n=2, axis=0)
    return np.asarray(np.sqrt((second * second).sum(axis=-1)).mean(axis=1))


def jitter_percent_iod(fitted_px: FloatArray, iod_px: FloatArray, landmarks: NDArray[np.int32]) -> FloatArray:
    """Return (frames,) second differences of the fit's rigid points; 0 for the first and last frame."""
    jitter = np.zeros(len(fitted_px))
    if len(fitted_px) > 2:
        jitter[1:-1] = _rigid_movement(fitted_px, landmarks) / iod_px[1:-1] * 100
    return jitter


def jitter_ratio(landmarks_px: FloatArray, fitted_px: FloatArray, detected: NDArray[np.bool_], landmarks: NDArray[np.int32]) -> float:
    """Return the mean second difference of the rigid points, fitted over raw, where three frames in a row were detected."""
    if len(detected) < 3:
        return float("nan")
    whole = detected[:-2] & detected[1:-1] & detected[2:]
    raw = _rigid_movement(landmarks_px, landmarks)[whole].sum()
    return float(_rigid_movement(fitted_px, landmarks)[whole].sum() / raw) if raw > 0 else float("nan")


def frame_flags(
    detected: NDArray[np.bool_], residual_percent: FloatArray, standard_expression: FloatArray, pose: FloatArray
) -> NDArray[np.uint8]:
    """Return (frames,) flags.

    Args:
        detected: (frames,) bool.
        residual_percent: (frames,) mean residual, NaN where not detected.
        standard_expression: (frames, 64) expression in standard deviations.
        pose: (frames, 6) rho.
    """
    size = np.sqrt((standard_expression**2).mean(axis=1))
    turned = np.abs(pose[:, :2]).max(axis=1) > _LARGEST_ANGLE_RAD
    flags = np.where(detected, 0, FrameFlag.MISSING)
    flags |= np.where(np.nan_to_num(residual_percent) > _LARGEST_RESIDUAL_PERCENT, FrameFlag.RESIDUAL, 0)
    flags |= np.where(size > _LARGEST_EXPRESSION, FrameFlag.EXPRESSION_RANGE, 0)
    flags |= np.where(turned, FrameFlag.POSE_RANGE, 0)
    return flags.astype(np.uint8)


def blink_frames(openness: FloatArray) -> NDArray[np.int64]:
    """Return the frames of the deepest closure of each blink.

    A blink is a dip by at least 35 % of the usual openness around it, at most 12 frames wide at half its depth; a glance down or a
    squint lasts longer.

    Args:
        openness: (frames,) distance of the lids in any unit, at about 25 frames a second.
    """
    usual = percentile_filter(openness, 80, size=_BLINK_WINDOW, mode="nearest")
    relative = openness / np.maximum(usual, 1e-9)
    padded = np.concatenate([[1.0], relative, [1.0]])  # a clip may begin or end in a blink
    return np.asarray(find_peaks(-padded, prominence=_BLINK_DEPTH, width=(0, _LONGEST_BLINK))[0] - 1)
