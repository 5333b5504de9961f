"""Reading frames with PyAV: any codec FFmpeg knows, frames told apart by presentation time, damage noticed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import av.error
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from pipelines.media_files import TIMESTAMPED_FORMATS, error_text, open_media, read_packets
from pipelines.video.media_probe import MediaProbe
from pipelines.video.packet_survey import presentation_time
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_LOGGER = logging.getLogger(__name__)

SEEK_WHEN_LATER_THAN_S = Fraction(2)
"""Seeking costs about as much as decoding this much video."""

_ROTATE_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def read_with_pyav(probe: MediaProbe, wanted: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield wanted frames as `pipelines.video.reading.read_frames` says; `wanted` is not empty."""
    reformatter = VideoReformatter()
    for index, frame in decode_wanted(probe, wanted):
        yield index, convert(frame, probe.rotation_deg, reformatter)


def convert(frame: VideoFrame, rotation_deg: int, reformatter: VideoReformatter) -> NDArray[np.uint8]:
    """Return a decoded frame as uint8 (height, width, 3) RGB, upright."""
    # One converter, on this thread: FFmpeg's default makes one a frame, with as many threads as the machine has cores.
    picture = reformatter.reformat(frame, format="rgb24", threads=1).to_ndarray()
    return upright(picture.astype(np.uint8, copy=False), rotation_deg)


def decode_wanted(probe: MediaProbe, wanted: NDArray[np.int64]) -> Iterator[tuple[int, VideoFrame]]:
    """Decode up to the last wanted frame and yield the wanted ones, not converted, in order.

    Raises:
        ItemRejectedError: (stage TRACK) as `read_frames`.
    """
    state = _Position(probe, wanted)
    first_pts = int(probe.frame_pts[wanted[0]])
    seek = (first_pts - int(probe.frame_pts[0])) * probe.time_base > SEEK_WHEN_LATER_THAN_S
    for frame in _decode_from(probe, first_pts if seek else None, state):
        index = state.accept(frame)
        if index is not None:
            yield index, frame
        if state.done:
            return
    raise state.missing()


@dataclass
class _Position:
    """How far reading has come, and whether the pictures it gives can be trusted."""

    probe: MediaProbe
    wanted: NDArray[np.int64]
    next_wanted: int = 0
    frames: int = 0
    damaged_since_pts: int | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.next_wanted >= len(self.wanted)

    def accept(self, frame: VideoFrame) -> int | None:
        """Return the source index of a decoded frame if it is the next wanted one."""
        pts = presentation_time(frame)
        self.frames += 1
        if frame.is_corrupt:
            self.damaged_since_pts = pts
        elif frame.key_frame:
            self.damaged_since_pts = None
        wanted_index = int(self.wanted[self.next_wanted])
        wanted_pts = int(self.probe.frame_pts[wanted_index])
        if pts is None or pts < wanted_pts:
            return None
        if pts > wanted_pts:
            raise self.missing(later_pts=pts)
        self._check(frame, wanted_index)
        self.next_wanted += 1
        return wanted_index

    def _check(self, frame: VideoFrame, index: int) -> None:
        time_s = self._time_s(index)
        if self.damaged_since_pts is not None:
            message = f"expected whole frames, found damaged ones near {time_s:.2f} s (frame {index})"
            raise ItemRejectedError(Stage.TRACK, RejectionReason.VIDEO_UNDECODABLE, message, {"frame": index, "time_s": time_s})
        stored = (
            (self.probe.height_px, self.probe.width_px) if self.probe.rotation_deg % 180 else (self.probe.width_px, self.probe.height_px)
        )
        if (frame.width, frame.height) != stored:
            message = f"expected frames of {stored[0]} x {stored[1]} px, found {frame.width} x {frame.height} at {time_s:.2f} s"
            raise ItemRejectedError(Stage.TRACK, RejectionReason.VIDEO_UNDECODABLE, message, {"frame": index, "time_s": time_s})

    def missing(self, later_pts: int | None = None) -> ItemRejectedError:
        """Return the rejection for a wanted frame that did not come; `later_pts` is the time of the frame that came instead."""
        index = int(self.wanted[self.next_wanted])
        reason = RejectionReason.TRUNCATED_FILE if later_pts is None else RejectionReason.VIDEO_UNDECODABLE
        why = f" ({self.problems[0]})" if self.problems else ""
        what = "none after it" if later_pts is None else "a later one in its place"
        message = f"expected frame {index} of {len(self.probe.frame_pts)} at {self._time_s(index):.2f} s, found {what}{why}"
        details: dict[str, float | int | str] = {"frame": index, "time_s": self._time_s(index), "frames": len(self.probe.frame_pts)}
        return ItemRejectedError(Stage.TRACK, reason, message, details)

    def _time_s(self, index: int) -> float:
        return float((int(self.probe.frame_pts[index]) - int(self.probe.frame_pts[0])) * self.probe.time_base)


def _decode_from(probe: MediaProbe, seek_pts: int | None, state: _Position) -> Iterator[VideoFrame]:
    """Decode from the key frame before `seek_pts`, or from the start where there is none or the container cannot seek exactly."""
    with open_media(probe.path, max_side_px=max(probe.width_px, probe.height_px) + 64) as container:
        stream: VideoStream = container.streams[probe.stream_index]  # type: ignore[assignment]
        if seek_pts is not None and container.format.name in TIMESTAMPED_FORMATS:
            container.seek(seek_pts, stream=stream, backward=True, any_frame=False)
            frames = _decode_all(container, stream, state)
            first = next(frames, None)
            if first is not None and (presentation_time(first) or 0) <= seek_pts and first.key_frame:
                yield first
                yield from frames
                return
            _LOGGER.debug("seeking did not lead to a key frame before the wanted frame; reading from the start")
        else:
            yield from _decode_all(container, stream, state)
            return
    yield from _decode_from(probe, None, state)


def _decode_all(container: InputContainer, stream: VideoStream, state: _Position) -> Iterator[VideoFrame]:
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    for packet in read_packets(container, stream, state.problems):
        try:
            frames: list[VideoFrame] = packet.decode()
        except (av.error.FFmpegError, ValueError) as error:
            # What is decoded next may lean on the picture that is lost here.
            state.problems.append(error_text(error))
            state.damaged_since_pts = packet.pts if packet.pts is not None else state.damaged_since_pts or 0
            continue
        yield from frames


def upright(picture: NDArray[np.uint8], rotation_deg: int) -> NDArray[np.uint8]:
    """Turn a stored picture clockwise by 0, 90, 180 or 270 degrees; the result is contiguous (FFmpeg pads the rows of odd widths)."""
    if rotation_deg == 0:
        return np.ascontiguousarray(picture)
    return np.asarray(cv2.rotate(picture, _ROTATE_CODES[rotation_deg]), dtype=np.uint8)
