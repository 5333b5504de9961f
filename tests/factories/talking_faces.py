"""Clips of a drawn face that opens its mouth as loud as its sound is and holds its brows by its emotion; truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.reference import load_reference_face
from storage_schemas.judge_runs import JUDGED_EMOTIONS

SIZE_PX = 96
_SAMPLES_PER_FRAME = 640


@dataclass(frozen=True, eq=False)
class TalkingFace:
    """A clip.

    Attributes:
        frames: uint8 (n, SIZE_PX, SIZE_PX, 3) RGB.
        landmarks_px: float32 (n, 478, 3).
        waveform: int16 (640 n,).
        emotion: that the brows show.
    """

    frames: NDArray[np.uint8]
    landmarks_px: NDArray[np.float32]
    waveform: NDArray[np.int16]
    emotion: str


def talking_face(seed: int, frames: int = 40, emotion: str = "") -> TalkingFace:
    """Return a clip; its emotion is that of its seed unless one is named."""
    rng = np.random.default_rng([seed, 7])
    emotion = emotion or JUDGED_EMOTIONS[seed % len(JUDGED_EMOTIONS)]
    opening = _syllables(rng, frames)
    landmarks = _landmarks(rng, opening)
    pictures = np.stack([_drawn(points, opened, JUDGED_EMOTIONS.index(emotion)) for points, opened in zip(landmarks, opening, strict=True)])
    noisy = np.clip(pictures + rng.normal(0, 3, pictures.shape), 0, 255).astype(np.uint8)
    return TalkingFace(noisy, landmarks, _sound(rng, opening), emotion)


def _syllables(rng: np.random.Generator, frames: int) -> NDArray[np.float64]:
    """Return (frames,) openings 0..1 of syllables of uneven length."""
    opening = np.zeros(frames)
    start = int(rng.integers(0, 4))
    while start < frames:
        length = int(rng.integers(3, 9))
        bump = rng.uniform(0.4, 1.0) * np.sin(np.pi * (np.arange(length) + 0.5) / length)
        opening[start : start + length] = bump[: frames - start]
        start += length + int(rng.integers(1, 6))
    return opening


def _landmarks(rng: np.random.Generator, opening: NDArray[np.float64]) -> NDArray[np.float32]:
    face = load_reference_face().points * np.array([1.0, -1.0, 1.0])
    size = SIZE_PX * 0.36
    drift = np.cumsum(rng.normal(0, 0.2, (len(opening), 2)), axis=0)
    points = np.repeat((face * size)[None], len(opening), axis=0)
    points[..., :2] += np.array([SIZE_PX / 2, SIZE_PX * 0.4]) + drift[:, None]
    return points.astype(np.float32)


def _drawn(points: NDArray[np.float32], opened: float, emotion: int) -> NDArray[np.int64]:
    picture = np.full((SIZE_PX, SIZE_PX, 3), (190, 150, 130), np.uint8)
    size = float(np.linalg.norm(points[263, :2] - points[33, :2]))
    shown = [bool(emotion >> number & 1) for number in range(3)]
    for eye in ((33, 133), (263, 362)):  # what shows an emotion looks the same in a mirror, as trainings see it too
        x, y = (round(float(value)) for value in points[list(eye), :2].mean(axis=0))
        cv2.circle(picture, (x, y), 3, (40, 30, 30), -1)
        for offset, there in ((-0.28, shown[0]), (0.22, shown[1])):  # brows and cheeks
            if there:
                middle = y + round(offset * size)
                cv2.rectangle(picture, (x - 6, middle - 3), (x + 6, middle + 3), (60, 40, 30), -1)
    if shown[2]:  # the bridge of the nose
        x, y = (round(float(value)) for value in points[6, :2])
        cv2.rectangle(picture, (x - 3, y - 6), (x + 3, y + 6), (60, 40, 30), -1)
    x, y = (round(float(value)) for value in (points[13, :2] + points[14, :2]) / 2)
    cv2.ellipse(picture, (x, y), (int(0.2 * size), 1 + int(0.22 * size * opened)), 0, 0, 360, (80, 20, 30), -1)
    return picture.astype(np.int64)


def _sound(rng: np.random.Generator, opening: NDArray[np.float64]) -> NDArray[np.int16]:
    samples = len(opening) * _SAMPLES_PER_FRAME
    loudness = np.interp(np.arange(samples) / _SAMPLES_PER_FRAME, np.arange(len(opening)) + 0.5, opening)
    time = np.arange(samples) / 16000
    voice = sum(np.sin(2 * np.pi * 140 * harmonic * time) / harmonic for harmonic in range(1, 12))
    return np.asarray(np.clip(4000 * loudness * voice + rng.normal(0, 20, samples), -32000, 32000), np.int16)
