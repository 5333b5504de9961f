import numpy as np
import pytest

from pipelines.face_model.fit_measures import compare_curves, halves_nearest
from pipelines.face_model.landmark_points import LEFT_LID_PAIRS, RIGHT_LID_PAIRS
from pipelines.face_model.reference import load_reference_face
from tests.factories.face_models import small_face_model

FRAMES = 120


def _face(mouth: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """Return (frames, 478, 3) a face in pixels whose lips and lids are as far apart as asked."""
    points = np.tile(load_reference_face().points * [100, -100, -100], (FRAMES, 1, 1))
    points[:, 14, :2] = points[:, 13, :2] + np.stack([np.zeros(FRAMES), mouth], axis=-1)
    for upper, lower in (*RIGHT_LID_PAIRS, *LEFT_LID_PAIRS):
        points[:, lower, :2] = points[:, upper, :2] + np.stack([np.zeros(FRAMES), eyes], axis=-1)
    return points


def _eyes(*blinks: int) -> np.ndarray:
    eyes = np.full(FRAMES, 8.0)
    for frame in blinks:
        eyes[frame - 2 : frame + 3] = [6, 3, 1, 3, 6]
    return eyes


MOUTH = 8 + 4 * np.sin(np.arange(FRAMES) / 7) + np.sin(np.arange(FRAMES) / 2.3)


def test_a_copy_agrees_and_a_late_one_is_late() -> None:
    raw = _face(MOUTH, _eyes(30, 80))
    same = compare_curves(raw, raw)
    assert (same.mouth_r, same.mouth_lag_frames, same.blinks, same.blinks_kept) == (pytest.approx(1.0), 0, 2, 2)
    for lag in (3, -2):
        assert compare_curves(raw, _face(np.roll(MOUTH, lag), _eyes(30, 80))).mouth_lag_frames == lag


def test_blinks_that_are_smoothed_away_are_missed() -> None:
    raw = _face(MOUTH, _eyes(30, 80))
    assert compare_curves(raw, _face(MOUTH, _eyes(31))).blinks_kept == 1
    assert compare_curves(raw, _face(MOUTH, _eyes())).blinks_kept == 0
    assert compare_curves(_face(MOUTH, _eyes()), raw).blinks == 0


def test_halves_are_compared_with_other_speakers_alone() -> None:
    model = small_face_model()
    people = np.zeros((3, 80))
    people[0, 0], people[1, 0], people[2, 1] = 3.0, -3.0, 3.0
    halves = np.stack([people, people * 1.1], axis=1)
    assert halves_nearest(model, halves, ["a", "b", "c"]) == [True, True, True]
    halves[1] = halves[0, ::-1]
    assert halves_nearest(model, halves, ["a", "b", "c"]) == [False, False, True]
    assert halves_nearest(model, halves, ["a", "a", "c"]) == [True, True, True]
