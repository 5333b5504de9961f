"""The record of what a media file really holds, as probing finds it and as the readers use it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class MediaProbe:
    """A video that can be read, measured from its packets and its first frame; headers are not believed.

    Attributes:
        path: the video file.
        audio_path: a separate audio file; None: the sound, if any, is the video's own.
        width_px: width of the upright picture, after rotation.
        height_px: height of the upright picture.
        rotation_deg: 0, 90, 180 or 270: clockwise turn that makes stored pictures upright.
        codec: FFmpeg's name of the video codec.
        pixel_format: FFmpeg's name of the stored pixel format.
        frame_pts: int64 (n,), strictly increasing presentation times of the displayed frames, in units of `time_base`.
        time_base: seconds a tick.
        fps: mean frames a second.
        duration_s: from the first frame to the end of the last, in seconds.
        has_audio: whether there is a sound track (in `audio_path` if that is given).
        audio_codec: FFmpeg's name of its codec, or "".
        audio_duration_s: decoded sound in seconds.
        stream_index: index of the video stream in its file.
        decord_safe: whether decord gives the same frames and colours as PyAV for this kind of file.
        decord_unsafe_because: the first reason why not, or "".
    """

    path: Path
    audio_path: Path | None
    width_px: int
    height_px: int
    rotation_deg: int
    codec: str
    pixel_format: str
    frame_pts: NDArray[np.int64]
    time_base: Fraction
    fps: float
    duration_s: float
    has_audio: bool
    audio_codec: str
    audio_duration_s: float
    stream_index: int
    decord_safe: bool
    decord_unsafe_because: str
