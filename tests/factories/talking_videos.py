"""Small videos of several methods: one colour each, a tone, the clips of one name."""

from __future__ import annotations

import itertools
from pathlib import Path

import av
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


def keep_beginning(path: Path, frames: int) -> None:
    """Replace a video of 25 frames a second by its first pictures; it has no sound of its own then."""
    with av.open(path) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in itertools.islice(container.decode(video=0), frames)]
    short = path.with_name(f"{path.stem}.short.mp4")
    write_video(short, pictures, 25)
    short.replace(path)
