"""Videos of a still picture with the noise of a camera: whatever moves in them is noise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.media_time import CLIP_FPS
from pipelines.video.encoding import write_video
from pipelines.video.still_images import read_still
from storage_schemas.build_spec import LimitSettings

NOISE_LEVELS = 4.0
"""Standard deviation of the noise of every pixel and colour, of 255 levels: that of a webcam indoors."""

_LONGEST_SIDE_PX = 720


def write_noisy_still(picture: Path, path: Path, limits: LimitSettings, frames: int = 75) -> None:
    """Write a video of a picture under noise, the same one every time.

    Args:
        picture: image file; more than 720 px are scaled down.
        path: mp4 file to write.
        limits: accepted sides of the picture.
        frames: at 25 a second.

    Raises:
        ItemRejectedError: the picture cannot be read.
    """
    still = read_still(picture, limits)
    scale = min(1.0, _LONGEST_SIDE_PX / max(still.shape[:2]))
    width, height = (int(side * scale) // 2 * 2 for side in still.shape[1::-1])
    scaled = np.asarray(cv2.resize(still, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    write_video(path, _noisy(scaled, frames), CLIP_FPS)


def _noisy(still: NDArray[np.uint8], frames: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    for _ in range(frames):
        noise = rng.standard_normal(still.shape, dtype=np.float32) * np.float32(NOISE_LEVELS)
        yield np.clip(np.rint(still + noise), 0, 255).astype(np.uint8)
