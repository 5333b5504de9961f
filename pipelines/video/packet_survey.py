"""What the packets of a video stream say: which frames it has and when they are shown, and whether any are missing."""

from __future__ import annotations

from dataclasses import dataclass, field

import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipelines.media_files import TIMESTAMPED_FORMATS, error_text, read_packets

# These store pictures that are never shown in packets of their own, so packets do not count frames.
_CODECS_WITH_HIDDEN_FRAMES = frozenset({"vp8", "av1", "libdav1d"})
_FIRST_FRAME_WITHIN_PACKETS = 600


@dataclass
class PacketSurvey:
    """What one pass over a video stream found.

    Attributes:
        frame_pts: int64 (n,), strictly increasing presentation times of the displayed frames; may be empty.
        first_frame: the first frame that decodes; None if none does.
        packets: packets with bytes in them.
        damaged: packets that lack bytes, are all zeros, or (where everything had to be decoded) do not decode.
        undated: packets without a presentation time.
        discarded: packets that an edit list hides.
        repeated: frames whose time another frame has.
        backwards: decoding times that run backwards.
        too_many: whether reading stopped because there were more packets than allowed.
        read_problems: FFmpeg's words if reading stopped before the end.
        problems: FFmpeg's words where decoding failed, at most a few.
        decoded_whole: whether `frame_pts` comes from decoded frames.
    """

    frame_pts: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    first_frame: VideoFrame | None = None
    packets: int = 0
    damaged: int = 0
    undated: int = 0
    discarded: int = 0
    repeated: int = 0
    backwards: int = 0
    too_many: bool = False
    read_problems: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    decoded_whole: bool = False


def survey_packets(container: InputContainer, stream: VideoStream, max_packets: int, *, decode_whole: bool = False) -> PacketSurvey:
    """Read all packets of a stream and decode its first frame.

    Where the container times every packet and every packet is one frame, the list of packets is the list of frames. Elsewhere
    (MPEG program and transport streams, AVI, ...) the stream is decoded as a whole, without converting a picture, to learn it.

    Args:
        container: open container at its start.
        stream: its video stream; decoded single-threaded.
        max_packets: reading stops beyond this many.
        decode_whole: decode everything whatever the container.
    """
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    one_to_one = container.format.name in TIMESTAMPED_FORMATS and stream.codec_context.name not in _CODECS_WITH_HIDDEN_FRAMES
    survey = PacketSurvey(decoded_whole=decode_whole or not one_to_one)
    times: list[int] = []
    last_dts: int | None = None
    for packet in read_packets(container, stream, survey.read_problems):
        if packet.size:
            survey.packets += 1
            last_dts = _note_packet(packet, survey, times, last_dts)
        _decode_if_needed(packet, survey, times)
        if survey.packets > max_packets:
            survey.too_many = True
            break
    survey.frame_pts = _frame_times(times, survey)
    return survey


def _note_packet(packet: Packet[VideoStream], survey: PacketSurvey, times: list[int], last_dts: int | None) -> int | None:
    survey.damaged += int(packet.is_corrupt or not any(memoryview(packet)[:64]))
    survey.undated += int(packet.pts is None)
    survey.discarded += int(packet.is_discard)
    if packet.pts is not None and not packet.is_discard and not survey.decoded_whole:
        times.append(packet.pts)
    if packet.dts is not None and last_dts is not None:
        survey.backwards += int(packet.dts < last_dts)
    return packet.dts if packet.dts is not None else last_dts


def _decode_if_needed(packet: Packet[VideoStream], survey: PacketSurvey, times: list[int]) -> None:
    searching = survey.first_frame is None and survey.packets <= _FIRST_FRAME_WITHIN_PACKETS
    if not (survey.decoded_whole or searching):
        return
    try:
        frames = packet.decode()
    except (av.error.FFmpegError, ValueError) as error:
        survey.damaged += int(survey.decoded_whole)
        if len(survey.problems) < 3:
            survey.problems.append(error_text(error))
        return
    for frame in frames:
        survey.first_frame = survey.first_frame or frame
        pts = presentation_time(frame)
        if survey.decoded_whole and pts is not None:
            times.append(pts)


def presentation_time(frame: VideoFrame) -> int | None:
    """Return when a frame is shown, in its stream's ticks: its own time, else the time of the packet that completed it."""
    return frame.pts if frame.pts is not None else frame.dts


def _frame_times(times: list[int], survey: PacketSurvey) -> NDArray[np.int64]:
    frame_pts = np.unique(np.array(times, dtype=np.int64))
    survey.repeated = len(times) - len(frame_pts)
    if survey.decoded_whole:
        survey.backwards = int(np.count_nonzero(np.diff(np.array(times, dtype=np.int64)) < 0))
    first = presentation_time(survey.first_frame) if survey.first_frame is not None else None
    # Frames before the first that decodes lean on pictures that the file does not have: nobody ever sees them.
    return frame_pts[frame_pts >= first] if first is not None else frame_pts
