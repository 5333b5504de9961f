"""What a face tracker sees in rendered clips: whether there is a face, how it moves, and how two takes differ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.face_tracking.landmark_models import open_tracker
from pipelines.generation.audio_streaming import stream_waveform
from pipelines.media_files import open_media
from pipelines.media_time import SAMPLES_PER_FRAME
from storage_schemas.build_spec import LandmarkSettings

Floats = NDArray[np.float64]

_TRACKED_PX = 256  # the tracker was trained on larger faces than a tiny preset draws
_EYES = (33, 133, 362, 263)
_LIPS_INSIDE = (13, 14)
_MOUTH_CORNERS = (61, 291)
_BROWS = (66, 296)
_UPPER_LIDS = (159, 386)
_NOSE_TIP = 1
_SMOOTHED_FRAMES = 5


@dataclass(frozen=True, eq=False)
class RenderedFace:
    """A clip as a face tracker sees it.

    Attributes:
        frames: in all.
        found: (frames,) bool, where there is a face.
        landmarks: (frames, 478, 2) in units of the inter-ocular distance, without the head's place; not-a-number where there is none.
        openings: (frames,) of the mouth, in that unit.
        smiles: (frames,) width of the mouth, in that unit.
        brows: (frames,) height of the brows over the lids, in that unit.
        turns: (frames,) place of the nose between the eyes' outer corners, about -1..1, 0 from the front.
        loudness: (frames,) of the sound, RMS.
    """

    frames: int
    found: NDArray[np.bool_]
    landmarks: Floats
    openings: Floats
    smiles: Floats
    brows: Floats
    turns: Floats
    loudness: Floats

    @property
    def found_share(self) -> float:
        """Share of the frames in which there is a face."""
        return float(self.found.mean()) if self.frames else 0.0

    def mouth_sound_r(self) -> float | None:
        """Return the correlation of mouth opening and loudness, both smoothed over a fifth of a second; None: nothing moves."""
        known = np.isfinite(self.openings)
        if known.sum() < 2 * _SMOOTHED_FRAMES:
            return None
        kernel = np.ones(_SMOOTHED_FRAMES) / _SMOOTHED_FRAMES
        mouth, sound = (np.convolve(values[known], kernel, "valid") for values in (self.openings, self.loudness))
        if mouth.std() < 1e-6 or sound.std() < 1e-6:
            return None
        return float(np.corrcoef(mouth, sound)[0, 1])

    def distance_percent(self, other: RenderedFace) -> float | None:
        """Return the mean distance of landmarks from another take's at the same time, % of the inter-ocular distance."""
        frames = min(self.frames, other.frames)
        apart = np.linalg.norm(self.landmarks[:frames] - other.landmarks[:frames], axis=-1)
        return float(100 * np.nanmean(apart)) if np.isfinite(apart).any() else None


def watch_clip(path: Path) -> tuple[RenderedFace, list[NDArray[np.uint8]]]:
    """Track the face of a clip; return what was seen, and the frames (height, width, 3) uint8.

    Raises:
        ItemRejectedError: the clip has no sound that decodes.
        av.error.FFmpegError: the clip does not decode.
    """
    with open_media(path) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False) for frame in container.decode(video=0)]
    with open_tracker(LandmarkSettings()) as tracker:
        tracked = [tracker.track(_enlarged(frame)) for frame in frames]
    found = np.array([points is not None for points in tracked], dtype=bool)
    landmarks = np.full((len(frames), 478, 3), np.nan)
    for number, points in enumerate(tracked):
        if points is not None:
            landmarks[number] = points
    return _seen(landmarks[..., :2], found, _loudness(path, len(frames))), frames


def _enlarged(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if min(frame.shape[:2]) >= _TRACKED_PX:
        return np.ascontiguousarray(frame)
    scale = _TRACKED_PX / min(frame.shape[:2])
    return np.asarray(cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)


def _seen(landmarks: Floats, found: NDArray[np.bool_], loudness: Floats) -> RenderedFace:
    eyes = landmarks[:, _EYES].reshape(-1, 2, 2, 2).mean(axis=2)
    unit = np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=-1)
    middle = eyes.mean(axis=1)
    own = (landmarks - middle[:, None]) / unit[:, None, None]
    outer = own[:, [_EYES[0], _EYES[3]], 0]
    return RenderedFace(
        frames=len(landmarks),
        found=found,
        landmarks=own,
        openings=np.linalg.norm(own[:, _LIPS_INSIDE[1]] - own[:, _LIPS_INSIDE[0]], axis=-1),
        smiles=np.linalg.norm(own[:, _MOUTH_CORNERS[1]] - own[:, _MOUTH_CORNERS[0]], axis=-1),
        brows=(own[:, _UPPER_LIDS, 1] - own[:, _BROWS, 1]).mean(axis=1),
        turns=(2 * own[:, _NOSE_TIP, 0] - outer.sum(axis=1)) / (outer[:, 1] - outer[:, 0]),
        loudness=loudness,
    )


def _loudness(path: Path, frames: int) -> Floats:
    samples = np.concatenate([*stream_waveform(path), np.zeros(frames * SAMPLES_PER_FRAME, np.float32)])[: frames * SAMPLES_PER_FRAME]
    return np.asarray(np.sqrt(np.square(samples.astype(np.float64).reshape(frames, SAMPLES_PER_FRAME)).mean(axis=1)))
