"""Probing: decide from a file's bytes, never from its headers' claims, whether a video can be read, and when its frames are shown."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipelines.audio.probing import AudioProbe, probe_audio
from pipelines.container_layout import ContainerLayout, read_layout
from pipelines.media_files import choose_video_stream, open_media, open_or_explain, require_regular_file, stream_kinds
from pipelines.video.media_probe import MediaProbe
from pipelines.video.packet_survey import PacketSurvey, survey_packets
from storage_schemas.build_spec import LimitSettings
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage

__all__ = ["MediaProbe", "probe_media"]

_DECORD_CODECS = frozenset({"h264", "hevc", "mpeg4", "vp9"})
_DECORD_PIXEL_FORMATS = frozenset({"yuv420p", "yuvj420p"})
_ISO_FORMAT = "mov,mp4,m4a,3gp,3g2,mj2"
DECORD_AHEAD_MB = 512.0
"""decord decodes ahead without bound, holding two copies of each picture; longer or larger videos are read with PyAV."""

# Headers and containers round frame times; a rate a little beyond a limit is the limit.
_RATE_TOLERANCE = 1.01


def probe_media(path: Path, limits: LimitSettings, *, audio_path: Path | None = None, audio_required: bool = True) -> MediaProbe:
    """Find out what a video file really holds, or reject it with the right reason.

    All packets are read and the first frame is decoded (the whole stream where its container does not time every frame); the
    sound is decoded as a whole. Nothing is opened that could block, and no other file is opened because this one names it.

    Args:
        path: the video file.
        limits: accepted durations, frame sizes and rates.
        audio_path: a separate audio file, which replaces the video's own sound.
        audio_required: reject recordings without a sound track.

    Returns:
        The probe.

    Raises:
        ItemRejectedError: (stage PROBE) with the reason; messages and details hold no paths.
    """
    size_bytes = require_regular_file(path)
    with open_or_explain(path, size_bytes, "video", max_side_px=limits.max_side_px) as container:
        stream = _require_video(container)
        layout = read_layout(path, size_bytes)
        survey = _survey(path, container, stream, limits)
        _check_whole(stream, survey, layout)
        frame = _require_frame(stream, survey, limits)
        _check_picture(frame, limits)
        unsafe_because = _why_decord_is_unsafe(path, container, stream, survey, frame)
        time_base, codec = Fraction(stream.time_base or 0), stream.codec_context.name
        stream_index = stream.index
    fps = _check_times(survey, time_base, limits)
    audio = probe_audio(audio_path or path, limits)
    _check_audio(audio, audio_required=audio_required)
    rotation_deg = _clockwise_rotation(frame)
    width_px, height_px = (frame.height, frame.width) if rotation_deg % 180 else (frame.width, frame.height)
    return MediaProbe(
        path=path, audio_path=audio_path, width_px=width_px, height_px=height_px, rotation_deg=rotation_deg,
        codec=codec, pixel_format=frame.format.name, frame_pts=survey.frame_pts, time_base=time_base, fps=fps,
        duration_s=len(survey.frame_pts) / fps, has_audio=audio is not None, audio_codec=audio.codec if audio else "",
        audio_duration_s=audio.duration_s if audio else 0.0, stream_index=stream_index,
        decord_safe=not unsafe_because, decord_unsafe_because=unsafe_because,
    )  # fmt: skip


def _rejected(reason: RejectionReason, message: str, **details: float | int | str) -> ItemRejectedError:
    return ItemRejectedError(Stage.PROBE, reason, message, details)


def _require_video(container: InputContainer) -> VideoStream:
    stream = choose_video_stream(container)
    if stream is None:
        kinds = stream_kinds(container)
        raise _rejected(RejectionReason.NO_VIDEO_STREAM, f"expected a video stream, found streams of these kinds: {kinds}", streams=kinds)
    if stream.codec_context is None:
        raise _rejected(RejectionReason.UNSUPPORTED_CODEC, "expected a known video codec, found one without a decoder")
    return stream


def _survey(path: Path, container: InputContainer, stream: VideoStream, limits: LimitSettings) -> PacketSurvey:
    max_packets = int(limits.max_duration_s * limits.max_fps) + 1
    survey = survey_packets(container, stream, max_packets)
    if not survey.undated or survey.decoded_whole:
        return survey
    with open_media(path, max_side_px=limits.max_side_px) as again:
        return survey_packets(again, again.streams[stream.index], max_packets, decode_whole=True)  # type: ignore[arg-type]


def _check_whole(stream: VideoStream, survey: PacketSurvey, layout: ContainerLayout) -> None:
    """Raise if packets that the index names are not in the file, or hold nothing."""
    indexed = max(stream.frames, survey.packets)
    absent = max(0, stream.frames - survey.packets) if layout.missing_share > 0 else 0
    hollow = survey.damaged if not survey.decoded_whole else 0
    missing = (absent + hollow) / indexed if indexed else 0.0
    if layout.missing_share > 0 and not stream.frames:
        missing = max(missing, layout.missing_share)
    if missing > 0:
        counted = f"{indexed} video packets in " if stream.frames else ""
        message = (
            f"expected {counted}{layout.declared_bytes} bytes, found {survey.packets - hollow} whole video packets in"
            f" {layout.size_bytes} bytes: {missing:.1%} is missing"
        )
        details: dict[str, float | int | str] = {
            "missing_share": round(missing, 6),
            "size_bytes": layout.size_bytes,
            "packets": survey.packets,
        }
        raise _rejected(RejectionReason.TRUNCATED_FILE, message, **details)
    if survey.read_problems:
        reason = RejectionReason.TRUNCATED_FILE if layout.missing_share > 0 else RejectionReason.VIDEO_UNDECODABLE
        message = f"expected {indexed} video packets, found that reading stops after {survey.packets} ({survey.read_problems[0]})"
        raise _rejected(reason, message, packets=survey.packets)


def _require_frame(stream: VideoStream, survey: PacketSurvey, limits: LimitSettings) -> VideoFrame:
    if survey.first_frame is not None:
        return survey.first_frame
    width, height = stream.codec_context.width, stream.codec_context.height
    if max(width, height) > limits.max_side_px:
        raise _outside_dimensions(width, height, limits)
    if survey.packets == 0 and stream.frames:
        message = f"expected the {stream.frames} video packets that the index names, found none in the file"
        raise _rejected(RejectionReason.VIDEO_UNDECODABLE, message, indexed_packets=stream.frames)
    if survey.packets == 0:
        raise _rejected(RejectionReason.TOO_SHORT, "expected at least 2 frames, found a video stream without packets", frames=0)
    if survey.discarded == survey.packets:
        message = f"expected at least 2 frames, found that an edit list hides all {survey.packets} video packets"
        raise _rejected(RejectionReason.TOO_SHORT, message, frames=0, hidden_packets=survey.discarded)
    why = f" ({survey.problems[0]})" if survey.problems else ""
    message = f"expected frames, found none that decodes in {survey.packets} packets of {stream.codec_context.name}{why}"
    raise _rejected(RejectionReason.VIDEO_UNDECODABLE, message, packets=survey.packets)


def _check_picture(frame: VideoFrame, limits: LimitSettings) -> None:
    if max(frame.width, frame.height) > limits.max_side_px or min(frame.width, frame.height) < limits.min_side_px:
        raise _outside_dimensions(frame.width, frame.height, limits)


def _outside_dimensions(width_px: int, height_px: int, limits: LimitSettings) -> ItemRejectedError:
    message = f"expected sides of {limits.min_side_px} to {limits.max_side_px} px, found {width_px} x {height_px}"
    return _rejected(RejectionReason.DIMENSIONS_OUT_OF_RANGE, message, width_px=width_px, height_px=height_px)


def _check_times(survey: PacketSurvey, time_base: Fraction, limits: LimitSettings) -> float:
    """Check length, order and rate of the frames' times; return the mean frames a second."""
    frame_pts = survey.frame_pts
    if len(frame_pts) < 2 or time_base <= 0:
        message = (
            f"expected at least 2 frames with times of their own, found {len(frame_pts)} in {survey.packets} packets"
            f" ({survey.discarded} hidden by an edit list, {survey.repeated} at the time of another)"
        )
        raise _rejected(RejectionReason.TOO_SHORT, message, frames=len(frame_pts), packets=survey.packets)
    span_s = float((int(frame_pts[-1]) - int(frame_pts[0])) * time_base)
    fps = (len(frame_pts) - 1) / span_s
    if span_s > limits.max_duration_s:
        message = f"expected at most {limits.max_duration_s:g} s, found frames over {span_s:.1f} s"
        raise _rejected(RejectionReason.DURATION_OUT_OF_RANGE, message, duration_s=span_s)
    if survey.backwards:
        message = f"expected times that increase, found {survey.backwards} that run backwards in {survey.packets} packets"
        raise _rejected(RejectionReason.VIDEO_UNDECODABLE, message, backwards=survey.backwards)
    if survey.too_many or not limits.min_fps / _RATE_TOLERANCE <= fps <= limits.max_fps * _RATE_TOLERANCE:
        message = f"expected {limits.min_fps:g} to {limits.max_fps:g} frames a second, found {fps:.3f} on average"
        raise _rejected(RejectionReason.FRAME_RATE_OUT_OF_RANGE, message, fps=fps, frames=len(frame_pts))
    return fps


def _check_audio(audio: AudioProbe | None, *, audio_required: bool) -> None:
    if audio is None and audio_required:
        raise _rejected(RejectionReason.NO_AUDIO_STREAM, "expected a sound track, found none (audio.required is on)")


def _clockwise_rotation(frame: VideoFrame) -> int:
    """Return the clockwise turn that shows a frame upright, to the next quarter; PyAV's figure is counter-clockwise."""
    try:
        return round(-frame.rotation / 90) * 90 % 360
    except ValueError:  # a matrix of zeros is no rotation
        return 0


def _why_decord_is_unsafe(path: Path, container: InputContainer, stream: VideoStream, survey: PacketSurvey, frame: VideoFrame) -> str:
    """Return the first reason why decord might give other frames or colours than PyAV; "" if there is none."""
    videos = len(container.streams.video)
    ahead_mb = 2 * 3 * frame.width * frame.height * len(survey.frame_pts) / 1e6
    rules = (
        (container.format.name == _ISO_FORMAT, "its container is not mp4 or mov"),
        (stream.codec_context.name in _DECORD_CODECS, f"its codec is {stream.codec_context.name}"),
        (frame.format.name in _DECORD_PIXEL_FORMATS, f"its pixel format is {frame.format.name}"),
        (_has_no_display_matrix(frame), "its pictures are rotated or mirrored"),
        (videos == 1, f"it has {videos} video streams"),
        (survey.packets == stream.frames, f"its index names {stream.frames} frames and it has {survey.packets} packets"),
        (len(survey.frame_pts) == survey.packets, "some packets are not frames of their own (edit list, repeated or missing times)"),
        (not survey.problems, "its first packets do not decode"),
        (_is_utf8(path), "its name is not UTF-8"),
        (ahead_mb <= DECORD_AHEAD_MB, f"decord may decode all of it ahead, which takes {ahead_mb:.0f} MB"),
    )
    return next((reason for holds, reason in rules if not holds), "")


def _is_utf8(path: Path) -> bool:
    try:
        os.fspath(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _has_no_display_matrix(frame: VideoFrame) -> bool:
    try:
        return frame.side_data.get("DISPLAYMATRIX") is None
    except ValueError:  # side data of a kind that PyAV has no name for
        return False
