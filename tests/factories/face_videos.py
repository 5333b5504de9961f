"""Short videos of a real face that moves, with a tone, for evaluations: of any rate, size and length, with faces and sound or without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.video.encoding import write_video
from tests.factories.face_frames import background, frame_with_faces

SIDE_PX = 192
FACE_PX = 84
FRAMES = 10


def face_pictures(
    frames: int = FRAMES, *, side_px: int = SIDE_PX, shift_px: float = 0.0, faceless: tuple[int, ...] = ()
) -> list[NDArray[np.uint8]]:
    """Return pictures (side, side, 3) of a face that moves to the right; those named have none."""
    scale = side_px / SIDE_PX
    places = [((80 + number + shift_px) * scale, 100 * scale, round(FACE_PX * scale)) for number in range(frames)]
    return [
        background(side_px, side_px) if number in faceless else frame_with_faces(side_px, side_px, [place])
        for number, place in enumerate(places)
    ]


def write_face_video(path: Path, pictures: list[NDArray[np.uint8]] | None = None, *, fps: int = 25, sound: bool = True) -> Path:
    """Write a video; its tone lasts as long as its pictures."""
    shown = face_pictures() if pictures is None else pictures
    seconds = len(shown) / fps
    tone = (0.3 * np.sin(np.arange(int(seconds * 16000)) * 0.2)).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, shown, fps, audio=tone if sound else None, sample_rate_hz=16000)
    return path
