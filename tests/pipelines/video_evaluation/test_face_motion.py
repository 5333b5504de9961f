from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.face_model.reference import load_reference_face
from pipelines.face_model.rotations import matrices_from_euler
from pipelines.video_evaluation.face_motion import FaceMotion, face_motion, shape_similarity, spread_of_takes

LIDS_ABOVE, LIDS_BELOW = [160, 159, 158, 387, 386, 385], [144, 145, 153, 373, 374, 380]


def landmarks(angles_deg: NDArray[np.float64], points: NDArray[np.float64] | None = None) -> NDArray[np.float32]:
    """Return (frames, 478, 3) landmarks in pixels of a face that turns by angles (frames, 3)."""
    shape = load_reference_face().points if points is None else points
    turned = shape @ matrices_from_euler(np.radians(angles_deg)).transpose(0, 2, 1)
    return (turned * np.array([1.0, -1.0, -1.0]) * 100 + 256).astype(np.float32)


def motion(found: FaceMotion | None) -> FaceMotion:
    assert found is not None
    return found


def test_a_face_that_turns_has_its_angles_and_no_expression() -> None:
    angles = np.column_stack([np.linspace(-8, 8, 30), np.linspace(10, -10, 30), np.zeros(30)])
    found = motion(face_motion(landmarks(angles)))

    assert found.angles_deg == pytest.approx(angles, abs=0.05)
    assert found.pose_spread_deg == pytest.approx(angles.std(axis=0).mean(), abs=0.05)
    assert found.expression_spread < 0.01


def test_a_face_that_stands_still_has_neither() -> None:
    found = motion(face_motion(landmarks(np.zeros((10, 3)))))

    assert found.pose_spread_deg == pytest.approx(0, abs=1e-6)
    assert found.expression_spread == pytest.approx(0, abs=1e-5)
    assert found.jitter == pytest.approx(0, abs=1e-6)
    assert found.blinks == 0


def test_blinks_are_counted_over_frames_without_a_face() -> None:
    moving = np.repeat(landmarks(np.zeros((1, 3))), 75, axis=0)
    for start in (20, 50):
        for step, closed in enumerate((0.5, 0.95, 0.95, 0.5)):
            gap = moving[start + step, LIDS_BELOW] - moving[start + step, LIDS_ABOVE]
            moving[start + step, LIDS_ABOVE] += closed * gap
    moving[60:63] = np.nan
    found = motion(face_motion(moving))

    assert found.blinks == 2
    assert found.frames == 75
    assert found.found.sum() == 72


def test_shaking_is_jitter_in_percent_of_the_eyes_distance() -> None:
    shaking = np.repeat(landmarks(np.zeros((1, 3))), 20, axis=0)
    shaking[::2, :, 0] += 1.0  # every second frame a pixel to the right: second differences of two pixels at 100 px between the eyes
    found = motion(face_motion(shaking))

    assert found.jitter == pytest.approx(2.0, rel=0.02)
    assert face_motion(np.full((10, 478, 3), np.nan, np.float32)) is None


def test_the_shape_of_a_head_is_told_from_another_whatever_its_pose() -> None:
    mean = load_reference_face().points
    random = np.random.default_rng(0)
    heads = [mean + random.normal(0, 0.02, mean.shape) for _ in range(2)]
    poses = [np.tile([0.0, 0.0, 0.0], (5, 1)), np.tile([4.0, -6.0, 3.0], (5, 1))]
    first, again = (motion(face_motion(landmarks(pose, heads[0]))).shape for pose in poses)
    other = motion(face_motion(landmarks(poses[0], heads[1]))).shape

    assert shape_similarity(first, first) == pytest.approx(1.0)
    assert shape_similarity(first, again) > 0.95
    assert abs(shape_similarity(first, other)) < 0.4


def test_takes_are_compared_at_the_same_time_where_both_have_a_face() -> None:
    still = landmarks(np.zeros((12, 3)))
    apart = still.copy()
    apart[:, 13, 1] += 10.0  # the middle of the inner upper lip, one of 68 points, 10 % of the distance of the eyes
    apart[:4] = np.nan
    takes = [motion(face_motion(points)) for points in (still, apart)]

    assert spread_of_takes(takes) == pytest.approx(10.0 / 68, rel=0.05)
    assert spread_of_takes(takes[:1]) is None
    assert spread_of_takes([takes[0], takes[0]]) == 0
