"""Videos that say nothing of where they come from: same size, rate and codec, no metadata, opaque names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.comparisons.grid_video import open_grid_video
from pipelines.media_time import CLIP_FPS, SAMPLES_PER_FRAME
from pipelines.video.encoding import write_video

_CRF = 12


def write_blinded(source: Path, target: Path, size_px: int) -> int:
    """Write a copy of a video as every other of the study is written; return its frames.

    Args:
        source: any video.
        target: mp4 to write: a square of `size_px`, 25 frames a second, mono sound, silence if there is none.
        size_px: even side.

    Raises:
        BadInputError: the video cannot be read.
    """
    video = open_grid_video(source)
    waveform = video.waveform()
    sound = waveform if waveform is not None else np.zeros(video.slots * SAMPLES_PER_FRAME, np.float32)
    return write_video(target, video.pictures(size_px, size_px), CLIP_FPS, audio=sound, crf=_CRF)
