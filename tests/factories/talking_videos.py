"""Small videos of several methods: one colour each, a tone, the clips of one name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.video.encoding import write_video

RED, GREEN, BLUE = (220, 30, 30), (30, 200, 30), (30, 30, 220)


def write_coloured(
    path: Path, colour: tuple[int, int, int], *, frames: int = 12, size: tuple[int, int] = (64, 64), fps: int = 25, hz: float | None = 440.0
) -> Path:
    """Write a video of one colour (width, height), with a tone unless `hz` is None, and metadata that names its maker."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((size[1], size[0], 3), colour, np.uint8)
    samples = np.arange(frames * 16000 // fps) / 16000
    sound = None if hz is None else (0.5 * np.sin(2 * np.pi * hz * samples)).astype(np.float32)
    write_video(path, [picture] * frames, fps, audio=sound, metadata={"comment": f"made by {path.parent.name}"})
    return path
