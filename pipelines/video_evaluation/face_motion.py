"""What the face of one video does, without another to compare it with: expression, pose, blinks, jitter, and the shape of the head."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.alignment import rigid_weights
from pipelines.face_model.camera import AXIS_SIGNS
from pipelines.face_model.fit_quality import blink_frames
from pipelines.face_model.landmark_points import RIGID_POINTS, eye_opening
from pipelines.face_model.pose_solving import solve_pose
from pipelines.face_model.reference import load_reference_face
from pipelines.face_model.rotations import euler_from_matrices
from pipelines.video_evaluation.face_alignment import FACE_68

Floats = NDArray[np.float64]

_DEPTH_WEIGHT = 0.1
"""How much MediaPipe's depth counts for the pose, as in fits of face models."""
_LEAST_FRAMES = 3


@dataclass(frozen=True, eq=False)
class FaceMotion:
    """A face frame by frame, in the frames where it was found.

    Attributes:
        frames: of the video, without a face too.
        found: (frames,) bool, where there is a face.
        expression: (found, 68, 2) points in the head's own axes, in inter-ocular distances: pose and place are taken out.
        angles_deg: (found, 3) pitch, yaw, roll.
        blinks: eye closures.
        jitter: mean second difference of points on bone in the picture, in percent of the inter-ocular distance; None: not measurable.
        shape: (2 * 478,) the mean face of the video less the mean of all faces: how this head differs from others.
    """

    frames: int
    found: NDArray[np.bool_]
    expression: Floats
    angles_deg: Floats
    blinks: int
    jitter: float | None
    shape: Floats

    @property
    def expression_spread(self) -> float:
        """Standard deviation of the 68 points over time, root mean square over the points, in percent of the inter-ocular distance."""
        return float(100 * np.sqrt(self.expression.var(axis=0).sum(axis=-1).mean()))

    @property
    def pose_spread_deg(self) -> float:
        """Standard deviation of the head's angles over time, mean of the three."""
        return float(self.angles_deg.std(axis=0).mean())


def face_motion(landmarks_px: NDArray[Any]) -> FaceMotion | None:
    """Return what a face does.

    Args:
        landmarks_px: (frames, 478, 3) in pixels as MediaPipe gives them; NaN where no face was found.

    Returns:
        None: fewer than three frames have a face.
    """
    found = np.isfinite(landmarks_px).all(axis=(1, 2))
    if found.sum() < _LEAST_FRAMES:
        return None
    points = landmarks_px[found].astype(np.float64) * AXIS_SIGNS
    own, rotations, scales = _in_own_axes(points)
    openness = np.interp(np.arange(len(found)), np.flatnonzero(found), eye_opening(own[..., :2]).mean(axis=-1))
    return FaceMotion(
        frames=len(found),
        found=found,
        expression=own[:, FACE_68, :2],
        angles_deg=np.degrees(euler_from_matrices(rotations)),
        blinks=len(blink_frames(openness)),
        jitter=_jitter(landmarks_px, found, float(np.median(scales))),
        shape=(own.mean(axis=0) - load_reference_face().points)[:, :2].ravel(),
    )


def shape_similarity(first: Floats, second: Floats) -> float:
    """Return the cosine -1..1 between two `FaceMotion.shape`: 1 is the same shape of head and features.

    This is not the CSIM of papers, which is made with a face recognition network.
    """
    lengths = float(np.linalg.norm(first)) * float(np.linalg.norm(second))
    return float(first @ second) / max(lengths, 1e-12)


def spread_of_takes(takes: list[FaceMotion]) -> float | None:
    """Return the mean distance of the 68 points between takes at the same time, % of the inter-ocular distance.

    Longer takes are cut, and frames without a face in one of two takes are left out.

    Returns:
        None: there are no two takes with a frame in common.
    """
    frames = min((take.frames for take in takes), default=0)
    curves = [_in_time(take)[:frames] for take in takes]
    apart = [
        np.linalg.norm(first - second, axis=-1)[np.isfinite(first[:, 0, 0] + second[:, 0, 0])]
        for number, first in enumerate(curves)
        for second in curves[number + 1 :]
    ]
    means = [float(distances.mean()) for distances in apart if len(distances)]
    return 100 * float(np.mean(means)) if means else None


def _in_time(take: FaceMotion) -> Floats:
    """Return (frames, 68, 2) the expression with NaN where there is no face."""
    curve = np.full((take.frames, *take.expression.shape[1:]), np.nan)
    curve[take.found] = take.expression
    return curve


def _in_own_axes(points: Floats) -> tuple[Floats, Floats, Floats]:
    """Return points (n, 478, 3) turned and scaled to the mean face, the rotations (n, 3, 3) and scales (n,)."""
    weights, shape, centre, moments = _mean_face()
    middle = np.einsum("k,nkc->nc", weights, points)
    centred = points - middle[:, None]
    rotations, scales = solve_pose(np.einsum("k,nkc,kd->ncd", weights, centred, shape), moments, _DEPTH_WEIGHT)
    return centred @ rotations / scales[:, None, None] + centre, rotations, scales


@lru_cache(maxsize=1)
def _mean_face() -> tuple[Floats, Floats, Floats, Floats]:
    weights = rigid_weights()
    points = load_reference_face().points
    centre = weights @ points
    shape = points - centre
    return weights, shape, centre, (shape * weights[:, None]).T @ shape


def _jitter(landmarks_px: NDArray[Any], found: NDArray[np.bool_], iod_px: float) -> float | None:
    whole = found[:-2] & found[1:-1] & found[2:]
    if not whole.any():
        return None
    second = np.diff(np.asarray(landmarks_px, np.float64)[:, list(RIGID_POINTS), :2], n=2, axis=0)[whole]
    return float(100 * np.sqrt((second * second).sum(axis=-1)).mean() / iod_px)
