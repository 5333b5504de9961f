import numpy as np
import pytest

from pipelines.face_model.clip_fitting import ClipFitter
from pipelines.face_model.fit_quality import FrameFlag, blink_frames
from pipelines.face_model.fitting import FitSettings
from pipelines.face_model.geometry import mesh_in_crop
from pipelines.face_model.landmark_points import RIGID_POINTS, eye_opening, mouth_opening
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage
from tests.factories.face_landmarks import SIZE_PX, InventedClip, invented_clip
from tests.factories.face_models import learned_from, small_face_model

FITTER = ClipFitter(small_face_model(), FitSettings())


def _mesh(landmarks: InventedClip, fitter: ClipFitter = FITTER) -> np.ndarray:
    fit = fitter.fit(landmarks.landmarks_px, SIZE_PX)
    return mesh_in_crop(small_face_model(), fit.identity, fit.expression, fit.pose, SIZE_PX)


def test_pose_and_mesh_are_found() -> None:
    clip = invented_clip(100, 50, speaker=1, noise=0.001)
    fit = FITTER.fit(clip.landmarks_px, SIZE_PX)
    for angle in range(3):
        found, true = fit.pose[:, angle], clip.pose[:, angle]
        assert np.corrcoef(found, true)[0, 1] > 0.99
        assert 0.9 < np.polyfit(true, found, 1)[0] < 1.1
    assert fit.reprojection_error_percent_iod < 0.5
    error = np.linalg.norm((_mesh(clip) - clip.clean_px)[..., :2], axis=-1) / (clip.pose[:, 5:] * SIZE_PX) * 100
    assert np.median(error) < 0.6
    assert not fit.flags.any()
    assert fit.expression.dtype == np.float32
    assert fit.expression.shape == (100, 64)


def test_depth_may_be_wrong() -> None:
    clip = invented_clip(60, 51, noise=0.0005)
    wrong = clip.landmarks_px.copy()
    wrong[..., 2] += np.random.default_rng(0).normal(0, 10, wrong.shape[:2]) + 0.2 * (wrong[..., 0] - 256)
    difference = FITTER.fit(wrong, SIZE_PX).pose - FITTER.fit(clip.landmarks_px, SIZE_PX).pose
    # a depth that is wrong all the time is taken for the form of the face: a constant turn, but no movement
    assert np.abs(difference[:, :3] - difference[:, :3].mean(axis=0)).max() < 0.03
    assert np.abs(difference[:, 3:]).max() < 0.01


def test_noise_is_smoothed_and_movement_is_not() -> None:
    clip = invented_clip(125, 52, noise=0.003)
    fit = FITTER.fit(clip.landmarks_px, SIZE_PX)
    mesh = _mesh(clip)
    true_mouth, mouth = mouth_opening(clip.clean_px[..., :2]), mouth_opening(mesh[..., :2])
    assert fit.jitter_ratio < 0.3
    assert np.corrcoef(true_mouth, mouth)[0, 1] > 0.99
    lags = [np.corrcoef(true_mouth[3:-3], mouth[3 + lag : len(mouth) - 3 + lag])[0, 1] for lag in range(-3, 4)]
    assert int(np.argmax(lags)) == 3
    true_blinks = blink_frames(eye_opening(clip.clean_px[..., :2]).mean(axis=-1))
    blinks = blink_frames(eye_opening(mesh[..., :2]).mean(axis=-1))
    assert len(true_blinks) >= 2
    assert len(blinks) == len(true_blinks)
    assert np.abs(blinks - true_blinks).max() <= 1


def test_a_still_face_with_noise_lies_still() -> None:
    one = invented_clip(1, 53).clean_px
    noise = np.random.default_rng(0).normal(0, 0.3, (100, 478, 3))
    still = (one + noise).astype(np.float32)
    fit = FITTER.fit(still, SIZE_PX)
    rigid = mesh_in_crop(small_face_model(), fit.identity, fit.expression, fit.pose, SIZE_PX)[:, list(RIGID_POINTS), :2]
    raw = still[:, list(RIGID_POINTS), :2]
    assert np.abs(np.diff(rigid, 2, axis=0)).mean() < np.abs(np.diff(raw, 2, axis=0)).mean() / 3
    assert fit.jitter_ratio < 1 / 3


def test_raw_and_smoothed_are_both_kept() -> None:
    clip = invented_clip(50, 54, noise=0.003)
    fit = FITTER.fit(clip.landmarks_px, SIZE_PX)
    assert np.abs(np.diff(fit.pose, 2, axis=0)).mean() < np.abs(np.diff(fit.pose_raw, 2, axis=0)).mean()
    unsmoothed = ClipFitter(small_face_model(), FitSettings(pose_smoothing=0, expression_smoothing=0)).fit(clip.landmarks_px, SIZE_PX)
    assert np.array_equal(unsmoothed.pose, fit.pose_raw)
    assert np.array_equal(unsmoothed.pose_raw, fit.pose_raw)
    assert np.array_equal(unsmoothed.expression, unsmoothed.expression_raw)


def test_resolution_of_the_crop_does_not_matter() -> None:
    clip = invented_clip(40, 55)
    large, small = FITTER.fit(clip.landmarks_px, 512.0), FITTER.fit(clip.landmarks_px / 2, 256.0)
    assert np.allclose(large.pose, small.pose, atol=1e-5)
    assert np.allclose(large.expression, small.expression, atol=1e-4)


def test_halves_of_a_clip_are_closer_than_other_speakers() -> None:
    halves = []
    for speaker in range(3):
        landmarks = invented_clip(120, 60 + speaker, speaker=speaker, noise=0.001).landmarks_px
        halves.append([FITTER.fit(part, SIZE_PX).identity for part in (landmarks[:60], landmarks[60:])])
    for speaker, (first, second) in enumerate(halves):
        others = [half for other, pair in enumerate(halves) if other != speaker for half in pair]
        assert np.linalg.norm(first - second) < 0.5 * min(np.linalg.norm(first - other) for other in others)


def test_a_given_identity_is_kept() -> None:
    landmarks = invented_clip(30, 56).landmarks_px
    identity = np.linspace(-0.02, 0.02, 80)
    assert np.array_equal(FITTER.fit(landmarks, SIZE_PX, identity).identity, identity.astype(np.float32))
    with pytest.raises(ValueError, match=r"identity must be 80 finite numbers, got an array of shape \(64,\)"):
        FITTER.fit(landmarks, SIZE_PX, np.zeros(64))


def test_missing_frames_are_bridged_and_flagged() -> None:
    clip = invented_clip(60, 57)
    landmarks = clip.landmarks_px.copy()
    landmarks[[0, 20, 21, 22, 59]] = np.nan
    fit = FITTER.fit(landmarks, SIZE_PX)
    whole = FITTER.fit(clip.landmarks_px, SIZE_PX)
    assert np.flatnonzero(fit.flags & FrameFlag.MISSING).tolist() == [0, 20, 21, 22, 59]
    assert np.array_equal(fit.detected, ~np.isnan(landmarks[:, 0, 0]))
    assert np.isnan(fit.residual_percent_iod[21])
    assert np.isfinite(fit.pose).all()
    assert np.abs(fit.pose - whole.pose).max() < 0.03


def test_a_still_picture() -> None:
    landmarks = invented_clip(1, 58).landmarks_px
    fit = ClipFitter(small_face_model(), FitSettings(min_frames=1)).fit(landmarks, SIZE_PX)
    assert fit.pose.shape == (1, 6)
    assert np.isnan(fit.jitter_ratio)
    assert fit.reprojection_error_percent_iod < 1


def test_flags() -> None:
    clip = invented_clip(60, 59, turn_rad=0.05)
    landmarks = clip.landmarks_px.copy()
    rng = np.random.default_rng(0)
    landmarks[30] += rng.normal(0, 15, landmarks[30].shape).astype(np.float32)
    landmarks[55:, :, 0] = 256 + (landmarks[55:, :, 0] - 256) * 2.5  # a face pulled wide
    flags = FITTER.fit(landmarks, SIZE_PX).flags
    assert flags[30] & FrameFlag.RESIDUAL
    assert (flags[56:] & FrameFlag.EXPRESSION_RANGE).all()
    assert not flags[:28].any()
    turned = FITTER.fit(invented_clip(60, 59, turn_rad=1.1).landmarks_px, SIZE_PX)
    assert (turned.flags & FrameFlag.POSE_RANGE).any()


def test_a_short_clip_is_rejected() -> None:
    with pytest.raises(ItemRejectedError, match="a fit needs at least 12 frames, the clip has 10") as caught:
        FITTER.fit(invented_clip(10, 0).landmarks_px, SIZE_PX)
    assert caught.value.stage is Stage.FACE_MODEL
    assert caught.value.reason is RejectionReason.TOO_SHORT
    assert caught.value.details == {"frames": 10, "min_frames": 12}


def test_a_clip_without_a_face_is_rejected() -> None:
    landmarks = invented_clip(40, 0).landmarks_px.copy()
    landmarks[5:30] = np.nan
    with pytest.raises(ItemRejectedError, match="landmarks in 38% of the frames, at least 50% are needed") as caught:
        FITTER.fit(landmarks, SIZE_PX)
    assert caught.value.reason is RejectionReason.FACE_LOST


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_landmarks_that_are_no_face_are_rejected(value: float) -> None:
    with pytest.raises(ItemRejectedError, match="do not form a face"):
        FITTER.fit(np.full((20, 478, 3), value, np.float32), SIZE_PX)


def test_wrong_shape() -> None:
    with pytest.raises(ValueError, match=r"landmarks must be \(frames, 478, 3\), got \(20, 478, 2\)"):
        FITTER.fit(np.zeros((20, 478, 2), np.float32), SIZE_PX)


def test_speaker_outside_the_model() -> None:
    """A model of one speaker still fits the face of another, by the smooth identity prior."""
    model = learned_from([(invented_clip(75, seed, speaker=0, noise=0.0003).landmarks_px, "S0") for seed in range(3)])
    clip = invented_clip(75, 70, speaker=9, noise=0.0003)
    fit = ClipFitter(model, FitSettings()).fit(clip.landmarks_px, SIZE_PX)
    assert fit.reprojection_error_percent_iod < 1.0
    assert np.corrcoef(fit.pose[:, 1], clip.pose[:, 1])[0, 1] > 0.98
