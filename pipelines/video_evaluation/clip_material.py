"""A video or a stored clip as evaluation sees it: 25 frames a second by timestamp, landmarks of each, and the sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.audio.loading import load_waveform
from pipelines.face_tracking.landmark_models import FaceTracker, open_tracker
from pipelines.media_time import CLIP_FPS, SAMPLES_PER_FRAME
from pipelines.video.frame_grid import assign_slots
from pipelines.video.media_probe import MediaProbe
from pipelines.video.probing import probe_media
from pipelines.video.reading import read_frames
from storage_schemas.build_spec import LandmarkSettings, LimitSettings
from storage_schemas.part_layout import LANDMARK_COUNT

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

ANY_VIDEO = LimitSettings(min_side_px=16, min_fps=1.0)
"""What is read at all; a method's videos need not be fit for a dataset."""
_TRACKED_PX = 256  # the tracker was trained on larger faces than small networks draw
_KEPT_BYTES = 256 * 2**20
"""Pictures of a video up to this size stay in memory; a larger one is decoded a second time."""
_FULL_SCALE = 32768.0


@dataclass(frozen=True, eq=False)
class ClipMaterial:
    """One video or stored clip.

    Attributes:
        pictures: gives its frames (height, width, 3) RGB from the beginning, each time anew.
        landmarks_px: (frames, 478, 3) in pixels of these; NaN where no face was found.
        waveform: (frames * 640,) at 16 kHz; None: no sound.
        width_px, height_px, fps: of the video.
        frames_left_out: beyond what is measured at most.
    """

    pictures: Callable[[], Iterator[Picture]]
    landmarks_px: Floats
    waveform: Floats | None
    width_px: int
    height_px: int
    fps: float
    frames_left_out: int

    @property
    def frames(self) -> int:
        """Frames at 25 a second."""
        return len(self.landmarks_px)


def read_video(path: Path, most_frames: int, on_frame: Callable[[int], None] = lambda _: None) -> ClipMaterial:
    """Read a video of any size and rate, and find the face in it.

    Args:
        path: the file.
        most_frames: at 25 a second; the rest is left out.
        on_frame: told how many frames are tracked.

    Raises:
        ItemRejectedError: the file is no video, or does not decode.
    """
    probe = probe_media(path, ANY_VIDEO, audio_required=False)
    grid = assign_slots(probe.frame_pts, probe.time_base)
    shown = grid.source_index[:most_frames]
    wanted, slots = np.unique(shown, return_inverse=True)
    kept = _KeptPictures(probe, wanted)
    landmarks = np.full((len(wanted), LANDMARK_COUNT, 3), np.nan, np.float32)
    with open_tracker(LandmarkSettings()) as tracker:
        for number, picture in enumerate(kept.first_time()):
            found = _tracked(tracker, picture)
            if found is not None:
                landmarks[number] = found
            on_frame(number + 1)
    sound = load_waveform(probe)[: len(shown) * SAMPLES_PER_FRAME] if probe.has_audio else None
    return ClipMaterial(
        lambda: _repeated(kept, slots), landmarks[slots], sound, probe.width_px, probe.height_px, probe.fps, len(grid) - len(shown)
    )


def read_stored_clip(path: Path, most_frames: int) -> ClipMaterial:
    """Read what `clip_staging.stage_clip` has written."""
    with np.load(path, allow_pickle=False) as stored:
        jpegs, ends, landmarks, waveform = (stored[name] for name in ("jpegs", "ends", "landmarks", "waveform"))
    frames = min(len(ends), most_frames)
    starts = np.concatenate([[0], ends[:-1]])

    def pictures() -> Iterator[Picture]:
        for start, end in zip(starts[:frames], ends[:frames], strict=True):
            yield _decoded(jpegs[start:end])

    height, width = _decoded(jpegs[: ends[0]]).shape[:2]
    sound = waveform[: frames * SAMPLES_PER_FRAME].astype(np.float32) / _FULL_SCALE if len(waveform) else None
    return ClipMaterial(pictures, landmarks[:frames], sound, width, height, float(CLIP_FPS), len(ends) - frames)


class _KeptPictures:
    """Wanted frames of a video, kept in memory if they are not too large, decoded again if they are."""

    def __init__(self, probe: MediaProbe, wanted: NDArray[np.int32]) -> None:
        self._probe, self._wanted = probe, wanted
        fits = len(wanted) * probe.width_px * probe.height_px * 3 <= _KEPT_BYTES
        self._kept: list[Picture] | None = [] if fits else None

    def first_time(self) -> Iterator[Picture]:
        for picture in self._decoded():
            if self._kept is not None:
                self._kept.append(picture)
            yield picture

    def again(self) -> Iterable[Picture]:
        return self._decoded() if self._kept is None else self._kept

    def _decoded(self) -> Iterator[Picture]:
        # decord decodes everything a second time beside PyAV, for the same pictures.
        for _, picture in read_frames(self._probe, self._wanted, reader="pyav"):
            yield picture


def _repeated(kept: _KeptPictures, slots: NDArray[np.int64]) -> Iterator[Picture]:
    """Yield the frame of each slot; a slot may show the one before again."""
    pictures, shown = iter(kept.again()), -1
    picture: Picture | None = None
    for slot in slots:
        while shown < slot:
            picture, shown = next(pictures), shown + 1
        if picture is not None:
            yield picture


def _tracked(tracker: FaceTracker, picture: Picture) -> Floats | None:
    side = min(picture.shape[:2])
    if side >= _TRACKED_PX:
        return tracker.track(np.ascontiguousarray(picture))
    scale = _TRACKED_PX / side
    enlarged = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    found = tracker.track(np.ascontiguousarray(enlarged, np.uint8))
    return None if found is None else np.asarray(found / scale, np.float32)


def _decoded(jpeg: NDArray[np.uint8]) -> Picture:
    decoded = cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB)
    if decoded is None:
        raise ValueError(f"a stored frame of {len(jpeg)} bytes is no JPEG")
    return np.asarray(decoded, np.uint8)
