"""Clips in memory, asked for by frame: pictures in their windows, coefficients in units of these, portraits of the same speaker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.training.images.face_regions import Float32Array
from pipelines.training.images.face_window import FaceWindow, face_window
from pipelines.training.images.frame_decoding import Picture, decode_into
from pipelines.training.images.version_frames import ClipFrames, closed_eyes, open_mouth, resting_order

_RESTING_SHARE = 0.1
"""Of a clip's frames, those that are at rest."""
_OF_RESTING = 0.5
"""Share of portraits from the same clip that are resting ones; the others are any frame with open eyes."""


@dataclass(frozen=True)
class FramePlace:
    """A frame: number of its clip among the loaded ones, number of the frame in the clip."""

    clip: int
    frame: int


class LoadedFrames:
    """Some clips, their frames numbered one after the other.

    Args:
        clips: with their pictures as JPEG.
        window_iods: see `face_window`.
        size_px: side of the pictures that are given out.
        crop_px: side of the stored crops.
    """

    def __init__(self, clips: Sequence[ClipFrames], window_iods: float, size_px: int, crop_px: int) -> None:
        self.clips = list(clips)
        self.windows: list[FaceWindow] = [face_window(clip.rho, window_iods) for clip in clips]
        self._size_px, self._crop_px = size_px, crop_px
        lengths = np.array([len(clip.jpegs) for clip in clips], np.int64)
        self._ends = np.cumsum(lengths)
        closed = [closed_eyes(clip) for clip in clips]
        self.closed: NDArray[np.int64] = np.flatnonzero(np.concatenate(closed))
        self.open_mouthed: NDArray[np.int64] = np.flatnonzero(np.concatenate([open_mouth(clip) for clip in clips]))
        self._open = [np.flatnonzero(~shut & clip.usable) for shut, clip in zip(closed, clips, strict=True)]
        self._resting = [resting_order(clip)[: max(1, int(_RESTING_SHARE * len(clip.jpegs)))] for clip in clips]
        self._of_speaker: dict[str, list[int]] = {}
        for number, clip in enumerate(clips):
            self._of_speaker.setdefault(clip.speaker or clip.clip_key, []).append(number)

    def place(self, number: int) -> FramePlace:
        """Return where a frame is, by its number among all."""
        clip = int(np.searchsorted(self._ends, number, side="right"))
        return FramePlace(clip, int(number - (self._ends[clip] - len(self.clips[clip].jpegs))))

    def pictures(self, places: Sequence[FramePlace], surroundings_px: int = 0) -> Picture:
        """Return (frames, size + 2 surroundings, likewise, 3) uint8 RGB of the clips' windows and what is around them."""
        side = self._size_px + 2 * surroundings_px
        pictures = np.empty((len(places), side, side, 3), np.uint8)
        for picture, place in zip(pictures, places, strict=True):
            decode_into(picture, self.clips[place.clip].jpegs[place.frame], self.windows[place.clip], self._crop_px, surroundings_px)
        return pictures

    def boxes(self, place: FramePlace) -> Float32Array:
        """Return boxes (3, 4) of eyes and mouth in shares of the window."""
        corners = self.clips[place.clip].boxes[place.frame].reshape(3, 2, 2)
        return self.windows[place.clip].points(corners).reshape(3, 4)

    def coefficients(self, place: FramePlace, window: int = 1) -> Float32Array:
        """Return (window, 70) of beta and rho around a frame, rho in units of the clip's window; beyond the ends the end frames."""
        clip = self.clips[place.clip]
        frames = np.clip(np.arange(window) - window // 2 + place.frame, 0, len(clip.jpegs) - 1)
        chosen = clip.coefficients[frames]
        return np.concatenate([chosen[:, :64], self.windows[place.clip].pose(chosen[:, 64:])], axis=1)

    def draw_portrait(self, place: FramePlace, other_clip_share: float, random: np.random.Generator) -> FramePlace:
        """Return a frame with open eyes of the same speaker: of the same clip, or resting in another one."""
        same = self._of_speaker[self.clips[place.clip].speaker or self.clips[place.clip].clip_key]
        kind, of_clip, of_frame = random.random(3)
        if kind < other_clip_share:
            clip = same[int(of_clip * len(same))]
            return FramePlace(clip, int(self._resting[clip][int(of_frame * len(self._resting[clip]))]))
        open_eyed = self._open[place.clip]
        at_rest = of_clip < _OF_RESTING or not len(open_eyed)
        choices = self._resting[place.clip] if at_rest else open_eyed
        return FramePlace(place.clip, int(choices[int(of_frame * len(choices))]))

    def portrait(self, clip: int) -> FramePlace:
        """Return the frame of a clip that makes the best portrait."""
        return FramePlace(clip, int(self._resting[clip][0]))
