"""The landmark network finds in the rendered frames what was drawn: the ground truth is true to the pictures."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.corpora.demo.clip_plan import plan_clips
from pipelines.corpora.demo.clip_writing import render_clip, score_clip
from pipelines.corpora.demo.face_regions import RIGID
from pipelines.corpora.demo.portrait import Float, Image

_SIZE_PX = 512


def _detected(frames: list[Image]) -> Float:
    import mediapipe  # noqa: PLC0415 - slow, and only slow tests need it

    found = np.full((len(frames), 478, 3), np.nan)
    with mediapipe.solutions.face_mesh.FaceMesh(refine_landmarks=True) as network:
        for k, frame in enumerate([frames[0], *frames]):  # the first frame twice, to warm up
            faces = network.process(frame).multi_face_landmarks
            if faces:
                found[max(0, k - 1)] = [(p.x * _SIZE_PX - 0.5, p.y * _SIZE_PX - 0.5, p.z * _SIZE_PX) for p in faces[0].landmark]
    return found


def _eye_distances(points: Float) -> Float:
    return np.linalg.norm(points[:, 263, :2] - points[:, 33, :2], axis=-1)


def _distance(points: Float, first: int, second: int) -> Float:
    return np.linalg.norm(points[:, first, :2] - points[:, second, :2], axis=-1) / _eye_distances(points)


def _pose(points: Float, rest: Float) -> Float:
    """Return yaw, pitch, roll (frames, 3) of the weak-perspective fit of the rigid points at rest."""
    rigid = list(RIGID)
    centred = rest[rigid] - rest[rigid].mean(axis=0)
    poses = []
    for frame in points[:, rigid, :2]:
        linear = np.linalg.lstsq(centred, frame - frame.mean(axis=0), rcond=None)[0].T
        left, _, right = np.linalg.svd(linear, full_matrices=False)
        across, down = left @ right
        away = np.cross(across, down)
        poses.append((np.arcsin(-away[0]), np.arctan2(away[1], away[2]), np.arctan2(down[0], across[0])))
    return np.array(poses)


@pytest.mark.slow
def test_a_landmark_network_sees_what_was_drawn() -> None:
    pytest.importorskip("espeakng_loader", reason="the optional extra `speech` is not installed")
    clip = plan_clips(8, 7, _SIZE_PX)[4]
    motion = score_clip(clip).motion
    rendered = list(render_clip(clip, motion))
    drawn = np.stack([points for _, points in rendered])
    found = _detected([image for image, _ in rendered])
    assert not np.isnan(found).any()
    assert np.linalg.norm((found - drawn)[..., :2], axis=-1).mean() < 0.03 * _eye_distances(drawn).mean()
    for first, second, least in ((13, 14, 0.93), (61, 291, 0.7), (159, 145, 0.85), (386, 374, 0.85)):
        assert np.corrcoef(_distance(drawn, first, second), _distance(found, first, second))[0, 1] > least, (first, second)
    rest = drawn[np.abs(motion.pose[:, :3]).sum(axis=1).argmin()]
    for axis, least in ((0, 0.93), (1, 0.7), (2, 0.93)):
        assert np.corrcoef(motion.pose[:, axis], _pose(found, rest)[:, axis])[0, 1] > least, ("yaw", "pitch", "roll")[axis]
