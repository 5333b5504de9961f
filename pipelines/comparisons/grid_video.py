"""Any method's video on the clock of clips: 25 frames a second, pictures of one size, sound at 16 kHz."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.audio.loading import load_waveform
from pipelines.video.frame_grid import FrameGrid, assign_slots
from pipelines.video.media_probe import MediaProbe
from pipelines.video.probing import probe_media
from pipelines.video.reading import read_frames
from storage_schemas.build_spec import LimitSettings
from storage_schemas.errors import BadInputError, ItemRejectedError

Picture = NDArray[np.uint8]
_LIMITS = LimitSettings(min_side_px=16, min_fps=1.0)


@dataclass(frozen=True, eq=False)
class GridVideo:
    """A video that was probed; frames are read when they are asked for.

    Attributes:
        probe: what it holds.
        grid: which source frame each slot of 1/25 s shows.
    """

    probe: MediaProbe
    grid: FrameGrid

    @property
    def slots(self) -> int:
        """Its length in slots of 1/25 s."""
        return len(self.grid)

    def pictures(self, width_px: int, height_px: int) -> Iterator[Picture]:
        """Yield the picture of each slot, fitted into (height, width, 3) uint8 RGB with black at the sides.

        Raises:
            BadInputError: frames are missing or damaged.
        """
        wanted, slots = np.unique(self.grid.source_index, return_counts=True)
        try:
            for (_, picture), count in zip(read_frames(self.probe, wanted), slots.tolist(), strict=True):
                fitted = fit_into(picture, width_px, height_px)
                for _ in range(count):
                    yield fitted
        except ItemRejectedError as error:
            raise BadInputError(f"{self.probe.path}: {error.message}") from error

    def waveform(self) -> NDArray[np.float32] | None:
        """Return the sound (640 samples a slot) as float32 in -1..1, or None if there is none.

        Raises:
            BadInputError: it does not decode.
        """
        if not self.probe.has_audio:
            return None
        try:
            return load_waveform(self.probe)
        except ItemRejectedError as error:
            raise BadInputError(f"{self.probe.path}: {error.message}") from error


def open_grid_video(path: Path) -> GridVideo:
    """Probe a video.

    Raises:
        BadInputError: there is none, or it cannot be read; says why.
    """
    if not path.is_file():
        raise BadInputError(f"{path}: expected a video, found no file")
    try:
        probe = probe_media(path, _LIMITS, audio_path=None, audio_required=False)
    except ItemRejectedError as error:
        raise BadInputError(f"{path}: {error.message}") from error
    return GridVideo(probe, assign_slots(probe.frame_pts, probe.time_base))


def fit_into(picture: Picture, width_px: int, height_px: int) -> Picture:
    """Return a picture scaled as large as fits into (height, width), centred on black."""
    height, width = picture.shape[:2]
    if (height, width) == (height_px, width_px):
        return picture
    scale = min(width_px / width, height_px / height)
    size = (max(1, min(width_px, round(width * scale))), max(1, min(height_px, round(height * scale))))
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    if size == (width_px, height_px):
        return np.asarray(scaled, np.uint8)
    box = np.zeros((height_px, width_px, 3), np.uint8)
    top, left = (height_px - size[1]) // 2, (width_px - size[0]) // 2
    box[top : top + size[1], left : left + size[0]] = scaled
    return box
