"""Head poses: where the head goes, and whether it moves when the voice does (the paper's figure 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pipelines.coefficient_evaluation.curve_measures import Floats, pearson
from pipelines.coefficient_evaluation.figures import new_figure, write_figure
from pipelines.media_time import CLIP_FPS

_WINDOW_FRAMES = 25
_FURTHEST_LAG = 12
_MEL_COLUMNS_PER_S = 80


@dataclass(frozen=True)
class NamedPose:
    """A pose sequence rho (frames, 6) and the name under which it is drawn."""

    title: str
    rho: Floats


def loudness(log_mel: Floats, frames: int) -> NDArray[np.float64]:
    """Return how loud each 25 fps frame is (frames,): the mean of the log-mel (columns, 80) around the frame's time."""
    by_column = np.asarray(log_mel, dtype=np.float64).mean(axis=1)
    times_s = np.arange(frames) / CLIP_FPS
    smooth = np.convolve(np.pad(by_column, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    return np.interp(times_s * _MEL_COLUMNS_PER_S, np.arange(len(smooth)), smooth)


def head_speed(rho: Floats) -> NDArray[np.float64]:
    """Return the speed of rotation (frames,) in rad/s of poses (frames, 6); the first frame has the speed of the second."""
    step = np.diff(np.asarray(rho[:, :3], dtype=np.float64), axis=0) * CLIP_FPS
    speed = np.sqrt((step * step).sum(axis=1))
    return np.concatenate([speed[:1], speed]) if len(speed) else np.zeros(len(rho))


def correlation_map(sound: Floats, motion: Floats, window: int = _WINDOW_FRAMES, furthest: int = _FURTHEST_LAG) -> NDArray[np.float64]:
    """Return how loudness and motion correlate around each frame, for each delay of the motion.

    Args:
        sound: (frames,).
        motion: (frames,).
        window: frames of each of the correlations, centred.
        furthest: delays from -furthest to furthest frames; positive: the head follows the voice.

    Returns:
        (2 * furthest + 1, frames) float64 in -1..1; 0 where one of them does not vary or the window leaves the sequence.
    """
    frames, half = len(sound), window // 2
    found = np.zeros((2 * furthest + 1, frames))
    for row, lag in enumerate(range(-furthest, furthest + 1)):
        for centre in range(half + max(0, -lag), frames - half - max(0, lag)):
            heard = sound[centre - half : centre + half + 1]
            moved = motion[centre + lag - half : centre + lag + half + 1]
            found[row, centre] = np.nan_to_num(pearson(heard, moved))
    return found


def draw_poses(path: Path, poses: Sequence[NamedPose], sound: Floats) -> None:
    """Draw for each pose sequence its trace over yaw and pitch, its rotations over time, and its correlation map with the voice.

    Args:
        path: PNG file to write.
        poses: one row of panels each, e.g. the recorded pose and samples of several seeds.
        sound: (frames,) of `loudness`; poses may be longer or shorter.

    Raises:
        StoreError: the file cannot be written.
    """
    figure, rows = new_figure(len(poses), 3, (4.0, 2.6))
    reach = max(float(np.abs(pose.rho[:, :2]).max()) for pose in poses) * 1.1
    for (trace, curves, correlations), pose in zip(rows, poses, strict=True):
        _draw_trace(trace, pose, reach)
        _draw_rotations(curves, pose)
        _draw_map(correlations, pose, sound)
    write_figure(figure, path)


def _draw_trace(axes: Axes, pose: NamedPose, reach: float) -> None:
    axes.plot(pose.rho[:, 1], pose.rho[:, 0], color="#cccccc", linewidth=0.6)
    axes.scatter(pose.rho[:, 1], pose.rho[:, 0], c=np.arange(len(pose.rho)), cmap="viridis", s=5)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    axes.set_title(f"{pose.title}: trace", fontsize=8)
    axes.set_xlabel("yaw (rad)", fontsize=7)
    axes.set_ylabel("pitch (rad)", fontsize=7)


def _draw_rotations(axes: Axes, pose: NamedPose) -> None:
    times_s = np.arange(len(pose.rho)) / CLIP_FPS
    for column, name in enumerate(("pitch", "yaw", "roll")):
        axes.plot(times_s, pose.rho[:, column], linewidth=0.9, label=name)
    axes.set_title(f"{pose.title}: rotation (rad)", fontsize=8)
    axes.set_xlabel("s", fontsize=7)
    axes.legend(fontsize=6, loc="best", framealpha=0.4)


def _draw_map(axes: Axes, pose: NamedPose, sound: Floats) -> None:
    frames = min(len(sound), len(pose.rho))
    found = correlation_map(sound[:frames], head_speed(pose.rho[:frames]))
    ends_s = (0.0, frames / CLIP_FPS, -_FURTHEST_LAG / CLIP_FPS, _FURTHEST_LAG / CLIP_FPS)
    axes.imshow(found, origin="lower", aspect="auto", extent=ends_s, cmap="magma", vmin=0, vmax=1)
    best = found.max(axis=0)[found.any(axis=0)]  # where the windows fit
    axes.set_title(f"{pose.title}: voice and head speed, mean of the best delay {best.mean() if len(best) else 0:.2f}", fontsize=7)
    axes.set_xlabel("s", fontsize=7)
    axes.set_ylabel("delay (s)", fontsize=7)
