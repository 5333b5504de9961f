"""Landmarks of invented faces whose identity, expression and pose are known, as MediaPipe would give them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.camera import project
from pipelines.face_model.landmark_points import INNER_LIPS, LEFT_LIDS, RIGHT_LIDS
from pipelines.face_model.reference import load_reference_face

SIZE_PX = 512.0


@dataclass(frozen=True)
class InventedClip:
    """Landmarks (frames, 478, 3) float32 in crop pixels, and what made them.

    Attributes:
        landmarks_px: with noise.
        clean_px: without.
        pose: (frames, 6) rho.
        shape: (frames, 478, 3) in model units.
    """

    landmarks_px: NDArray[np.float32]
    clean_px: NDArray[np.float64]
    pose: NDArray[np.float64]
    shape: NDArray[np.float64]


def invented_identity(seed: int) -> NDArray[np.float64]:
    """Return (478, 3) a face in model units: the reference face, bent smoothly here and there."""
    points = load_reference_face().points
    rng = np.random.default_rng([seed, 1])
    face = points.copy()
    for centre in rng.uniform([-0.6, -1.1, -0.2], [0.6, 0.6, 0.5], (12, 3)):
        distance = (points - centre) ** 2
        bump = np.exp(-(distance[:, 0] + distance[:, 1] + distance[:, 2]) / 0.3)
        face += bump[:, None] * rng.normal(0, 0.04, 3)
    return face


def _expressions(frames: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return (frames, 478, 3) movements: a talking jaw, lips that widen, and a blink."""
    points = load_reference_face().points
    time = np.arange(frames) / 25
    jaw = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(2, 4) * time + rng.uniform(0, 6))
    wide = np.sin(2 * np.pi * rng.uniform(0.7, 1.5) * time + rng.uniform(0, 6))
    blink = np.zeros(frames)
    for frame in range(int(rng.integers(10, 20)), frames, 45):
        blink[frame : frame + 5] = np.array([0.4, 0.9, 1.0, 0.7, 0.3])[: frames - frame]
    below = np.clip((-0.78 - points[:, 1]) / 0.3, 0, 1)
    below[[13, 82, 312, 81, 311]] = 0
    below[list({14, 87, 317, 178, 402})] = 0.8
    moved = np.zeros((frames, 478, 3))
    moved[..., 1] -= 0.15 * jaw[:, None] * below
    mouth = np.exp(-((points - points[list(INNER_LIPS)].mean(axis=0)) ** 2).sum(axis=1) / 0.1)
    moved[..., 0] += 0.1 * wide[:, None] * points[:, 0] * mouth
    for lids in (RIGHT_LIDS, LEFT_LIDS):
        upper = list(lids[1:8])
        lower = list(lids[9:16])
        gap = points[upper, 1].mean() - points[lower, 1].mean()
        moved[:, upper, 1] -= gap * blink[:, None]
    return moved


def invented_clip(frames: int, seed: int, *, speaker: int = 0, noise: float = 0.0, turn_rad: float = 0.15) -> InventedClip:
    """Return a clip; `noise` is the standard deviation of each coordinate in inter-ocular distances, depth has ten times that."""
    rng = np.random.default_rng([seed, 2])
    time = np.arange(frames) / 25
    angles = [turn_rad * np.sin(2 * np.pi * rng.uniform(0.2, 0.6) * time + rng.uniform(0, 6)) for _ in range(3)]
    place = [0.03 * np.sin(2 * np.pi * rng.uniform(0.1, 0.4) * time + rng.uniform(0, 6)) for _ in range(2)]
    scale = 0.28 * np.exp(0.05 * np.sin(2 * np.pi * 0.2 * time))
    pose = np.stack([*angles, *place, scale], axis=1)
    shape = invented_identity(speaker) + _expressions(frames, rng)
    clean = project(shape, pose, SIZE_PX)
    spread = noise * scale[:, None, None] * SIZE_PX * np.array([1.0, 1.0, 10.0])
    noisy = clean + rng.normal(size=clean.shape) * spread
    return InventedClip(noisy.astype(np.float32), clean, pose, shape)
