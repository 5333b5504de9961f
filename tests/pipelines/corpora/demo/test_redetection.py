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
    import mediapipe  # noqa: PLC0415 - slow

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


_DISTANCES = {(13, 14): (0.93, 0.92), (61, 291): (0.95, 0.9), (159, 145): (0.95, 0.85), (386, 374): (0.95, 0.85)}
"""Pairs of landmarks across mouth and eyes, and how well their distance has to be found: over all clips, and within them."""
_ANGLES = {"yaw": 0.95, "pitch": 0.85, "roll": 0.95}


def _agreement(clips: list[tuple[Float, Float]], *, within_clips: bool) -> float:
    """Return the correlation of what was drawn and what was found, as they are or as deviations from the means of their clips."""
    drawn, found = (np.concatenate([values - within_clips * values.mean() for values in side]) for side in zip(*clips, strict=True))
    return float(np.corrcoef(drawn, found)[0, 1])


def test_a_landmark_network_sees_what_was_drawn_with_every_emotion() -> None:
    pytest.importorskip("espeakng_loader", reason="the optional extra `speech` is not installed")
    distances: dict[tuple[int, int], list[tuple[Float, Float]]] = {pair: [] for pair in _DISTANCES}
    angles: dict[str, list[tuple[Float, Float]]] = {name: [] for name in _ANGLES}
    for clip in plan_clips(8, 7, _SIZE_PX):
        motion = score_clip(clip).motion
        rendered = list(render_clip(clip, motion))
        drawn = np.stack([points for _, points in rendered])
        found = _detected([image for image, _ in rendered])
        assert not np.isnan(found).any()
        assert np.linalg.norm((found - drawn)[..., :2], axis=-1).mean() < 0.03 * _eye_distances(drawn).mean()
        for pair, clips in distances.items():
            clips.append((_distance(drawn, *pair), _distance(found, *pair)))
        found_pose = _pose(found, drawn[np.abs(motion.pose[:, :3]).sum(axis=1).argmin()])
        for axis, clips in enumerate(angles.values()):
            clips.append((motion.pose[:, axis], found_pose[:, axis]))
    for pair, (over_all, within) in _DISTANCES.items():
        assert _agreement(distances[pair], within_clips=False) > over_all, pair
        assert _agreement(distances[pair], within_clips=True) > within, pair
    for name, least in _ANGLES.items():
        assert _agreement(angles[name], within_clips=True) > least, name
