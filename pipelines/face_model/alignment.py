"""Frames of landmarks aligned to a mean shape, with results that are the same bits however clips are grouped.

Sums of float products depend on their order. Here every number that is summed over points or frames is first rounded to a
multiple of 2**-16 (0.0015 % of the inter-ocular distance, a hundredth of MediaPipe's noise), so that products and sums are
integers that float64 holds exactly (under 2**53): any order, split, thread count or BLAS kernel gives the same result. Between
the sums only element-wise operations and LAPACK calls on one frame's small matrices are used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.camera import AXIS_SIGNS
from pipelines.face_model.landmark_points import IRISES, LEFT_EYE_OUTER, RIGHT_EYE_OUTER
from pipelines.face_model.pose_solving import solve_pose
from pipelines.face_model.reference import load_reference_face
from pipelines.face_model.rotations import FloatArray, euler_from_matrices
from storage_schemas.part_layout import LANDMARK_COUNT

STEPS_PER_UNIT = 2**16
_WEIGHT_STEPS = 255
_REFERENCE_STEPS = 2**14
# A point further than this from the face's centre, or from its place on the mean face, is no landmark of a face.
_LARGEST_COORDINATE = 7.9
_LARGEST_RESIDUAL = 1.0
# Points hardly moved by expression count most; the constant keeps a few quiet points from deciding alone. Mouth and jaw do not
# count: on rendered faces whose pose is known, a jaw that drops while the head nods otherwise takes a fifth of the pitch away.
_MOTION_FLOOR = 0.03
_JAW_RAMP = (-0.75, -0.45)  # heights over the eyes, in inter-ocular distances, between which weights rise from 0 to full
_TOP, _CHIN = 10, 152


@dataclass(frozen=True)
class AlignedFrames:
    """Frames in model axes and units, less the mean shape that they were aligned to.

    Attributes:
        steps: (kept frames, 1434) float64 holding integers: differences from the mean shape in units of 2**-16, point by point.
        kept: (frames,) bool, which of the given frames are there.
    """

    steps: FloatArray
    kept: NDArray[np.bool_]


def rigid_weights() -> FloatArray:
    """Return (478,) weights of the landmarks for pose, summing to 1: by how little expression moves them; 0 for irises, mouth and jaw."""
    face = load_reference_face()
    above_jaw = np.clip((face.points[:, 1] - _JAW_RAMP[0]) / (_JAW_RAMP[1] - _JAW_RAMP[0]), 0.0, 1.0)
    weights = above_jaw / (_MOTION_FLOOR**2 + face.motion**2)
    weights[list(IRISES)] = 0.0
    return np.asarray(weights / weights.sum())


class ShapeAligner:
    """Aligns frames to one mean shape by rotation, translation and scale.

    Args:
        mean_steps: (478, 3) int64, the mean shape in units of 2**-16.
        depth_weight: how much MediaPipe's depth counts for the rotation.
        largest_angle_rad: frames with more pitch or yaw are left out, because there depth errors turn into width errors.
    """

    def __init__(self, mean_steps: NDArray[np.int64], depth_weight: float, largest_angle_rad: float) -> None:
        self._mean_steps = mean_steps.astype(np.float64)
        self._depth_weight = depth_weight
        self._largest_angle_rad = largest_angle_rad
        weights = rigid_weights()
        whole = np.rint(weights / weights.max() * _WEIGHT_STEPS)
        shape = np.rint(self._mean_steps * (_REFERENCE_STEPS / STEPS_PER_UNIT))
        self._columns = np.concatenate([shape * whole[:, None], whole[:, None]], axis=1)  # (478, 4)
        self._weight_sum = whole.sum()
        self._centre = self._columns[:, :3].sum(axis=0) / self._weight_sum / _REFERENCE_STEPS
        second = shape.T @ self._columns[:, :3] / (self._weight_sum * _REFERENCE_STEPS**2)
        self._moments = second - self._centre[:, None] * self._centre[None, :]

    def align(self, landmarks_px: NDArray[np.float32]) -> AlignedFrames:
        """Return the frames (frames, 478, 3), in pixels as MediaPipe gives them, aligned to the mean shape.

        Frames with a missing (NaN) or impossible landmark are left out.
        """
        normalised, kept = _normalised_steps(landmarks_px)
        sums = normalised.transpose(0, 2, 1) @ self._columns  # exact: integers under 2**52
        centre = sums[:, :, 3] / (self._weight_sum * STEPS_PER_UNIT)
        moments = sums[:, :, :3] / (self._weight_sum * STEPS_PER_UNIT * _REFERENCE_STEPS)
        moments = moments - centre[:, :, None] * self._centre[None, None, :]
        rotations, scales = solve_pose(moments, self._moments, self._depth_weight)
        steps = self._differences(normalised, centre, rotations, scales)
        angles = np.abs(euler_from_matrices(rotations)[:, :2])
        usable = (angles <= self._largest_angle_rad).all(axis=1) & (np.abs(steps) < _LARGEST_RESIDUAL * STEPS_PER_UNIT).all(axis=1)
        kept[kept] = usable
        return AlignedFrames(np.ascontiguousarray(steps[usable]), kept)

    def _differences(self, normalised: FloatArray, centre: FloatArray, rotations: FloatArray, scales: FloatArray) -> FloatArray:
        # Written out by coordinate: a matrix product could sum in another order on another day.
        x, y, z = (normalised[:, :, axis] - centre[:, None, axis] * STEPS_PER_UNIT for axis in range(3))
        steps = np.empty((len(normalised), LANDMARK_COUNT, 3))
        for axis in range(3):
            turn = rotations[:, :, axis] / scales[:, None]
            turned = turn[:, 0, None] * x + turn[:, 1, None] * y + turn[:, 2, None] * z
            steps[:, :, axis] = np.rint(turned + (self._centre[axis] * STEPS_PER_UNIT - self._mean_steps[:, axis]))
        return steps.reshape(len(steps), LANDMARK_COUNT * 3)


def _normalised_steps(landmarks_px: NDArray[np.float32]) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the usable frames in model axes, centred between the eyes, eyes about one unit apart, as whole steps."""
    kept = np.isfinite(landmarks_px).all(axis=(1, 2))
    points = landmarks_px[kept].astype(np.float64) * AXIS_SIGNS
    centre = (points[:, RIGHT_EYE_OUTER] + points[:, LEFT_EYE_OUTER]) / 2
    unit = np.maximum(_face_unit(points), 1e-6)
    steps = np.rint((points - centre[:, None]) * (STEPS_PER_UNIT / unit)[:, None, None])
    near = (np.abs(steps) < _LARGEST_COORDINATE * STEPS_PER_UNIT).all(axis=(1, 2))
    kept[kept] = near
    return steps[near], kept


def _face_unit(points: FloatArray) -> FloatArray:
    """Return a rough inter-ocular distance in pixels, from the eyes or, on a turned head, from the height of the face."""
    reference = load_reference_face().points
    lengths = []
    for first, second in ((RIGHT_EYE_OUTER, LEFT_EYE_OUTER), (_TOP, _CHIN)):
        step = points[:, first] - points[:, second]
        span = reference[first, :2] - reference[second, :2]
        flat = np.sqrt(step[:, 0] * step[:, 0] + step[:, 1] * step[:, 1])
        lengths.append(flat / np.sqrt(span[0] * span[0] + span[1] * span[1]))
    return np.asarray(np.maximum(lengths[0], lengths[1]))
