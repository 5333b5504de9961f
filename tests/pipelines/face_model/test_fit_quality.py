import numpy as np

from pipelines.face_model.fit_quality import blink_frames, jitter_percent_iod, jitter_ratio, residual_percent_iod
from pipelines.face_model.landmark_points import RIGID_POINTS

LANDMARKS = np.arange(478, dtype=np.int32)


def test_residual_is_in_percent_of_the_inter_ocular_distance() -> None:
    raw = np.zeros((3, 478, 3))
    fitted = np.zeros((3, 478, 3))
    fitted[..., 0], fitted[..., 2] = 2.0, 99.0  # depth is not compared
    frames, median = residual_percent_iod(raw, fitted, np.array([100.0, 100, 50]), np.array([True, False, True]))
    assert frames[[0, 2]].tolist() == [2.0, 4.0]
    assert np.isnan(frames[1])
    assert median == 3.0


def test_jitter_is_measured_on_rigid_points() -> None:
    moving = np.zeros((5, 478, 3))
    moving[2, list(RIGID_POINTS), 1] = 1.0
    assert np.allclose(jitter_percent_iod(moving, np.full(5, 50.0), LANDMARKS), [0, 2, 4, 2, 0])
    assert np.isclose(jitter_ratio(moving * 4, moving, np.ones(5, bool), LANDMARKS), 0.25)
    assert np.isnan(jitter_ratio(moving[:2], moving[:2], np.ones(2, bool), LANDMARKS))
    assert np.isnan(jitter_ratio(moving, moving, np.array([1, 1, 0, 1, 1], bool), LANDMARKS))


def test_blinks_are_short_and_deep() -> None:
    open_eye = np.full(200, 10.0)
    open_eye[50:55] = [6, 2, 1, 3, 7]  # a blink
    open_eye[90:130] = 5.0  # a glance down
    open_eye[160:163] = 8.0  # a flutter
    assert blink_frames(open_eye).tolist() == [52]
    ends_closed = np.full(60, 10.0)
    ends_closed[57:] = [5, 2, 1]
    assert blink_frames(ends_closed).tolist() == [59]
