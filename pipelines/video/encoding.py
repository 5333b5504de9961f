"""Writing videos: H.264 and AAC in an mp4 that plays everywhere, the same bytes every time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pipelines.media_time import SAMPLE_RATE_HZ

_AAC_FRAME_SAMPLES = 1024
_AAC_BIT_RATE = 128_000


def write_video(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    fps: Fraction | int,
    *,
    audio: NDArray[np.float32] | Iterable[NDArray[np.float32]] | None = None,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    metadata: Mapping[str, str] | None = None,
    crf: int = 18,
    preset: str = "medium",
) -> int:
    """Write pictures, and sound from the same moment on, as an mp4.

    Args:
        path: file to write; an existing one is replaced.
        frames: RGB uint8 pictures (height, width, 3), all of one size with even sides; taken one at a time.
        fps: frames a second.
        audio: float32 (samples,), mono, clipped to -1..1, or runs of samples that follow each other, taken as they are needed;
            None: no sound track.
        sample_rate_hz: rate of `audio`.
        metadata: container tags such as title and comment.
        crf: constant rate factor of x264, lower is better.
        preset: speed preset of x264.

    Returns:
        How many frames were written.

    Raises:
        ValueError: if there is no frame, or one is not RGB uint8 with even sides or not of the first one's size.
        OSError: if the file cannot be written.
    """
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise ValueError("a video needs at least one frame, got none")
    _check_picture(first, first.shape)
    # "bitexact" keeps library versions and dates out of the file.
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact", "movflags": "+faststart"}) as container:
        container.metadata.update(dict(metadata or {}))
        video = _add_video(container, first.shape, Fraction(fps), crf, preset)
        sound = _add_sound(container, sample_rate_hz) if audio is not None else None
        counter = [0]
        video_packets: Iterator[Packet[Any]] = _video_packets(
            video, itertools.chain([first], pictures), first.shape, Fraction(fps), counter
        )
        sound_packets: Iterator[Packet[Any]] = (
            _sound_packets(sound, audio, sample_rate_hz) if sound is not None and audio is not None else iter(())
        )
        _mux_by_time(container, video_packets, sound_packets)
    return counter[0]


def _check_picture(picture: NDArray[np.uint8], shape: tuple[int, ...]) -> None:
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or picture.shape[0] % 2 or picture.shape[1] % 2:
        raise ValueError(f"frames must be RGB uint8 with even sides, got {picture.dtype} of shape {picture.shape}")
    if picture.shape != shape:
        raise ValueError(f"frames must all be of one size, got {picture.shape} after {shape}")


def _add_video(container: OutputContainer, shape: tuple[int, ...], fps: Fraction, crf: int, preset: str) -> VideoStream:
    # x264's macroblock tree gives other bytes now and then for small pictures (1 run in 50 at 96 x 64), even on one thread.
    options = {"crf": str(crf), "preset": preset, "threads": "1", "flags": "+bitexact", "x264-params": "mbtree=0"}
    stream = container.add_stream("libx264", rate=fps, options=options)
    stream.height, stream.width, stream.pix_fmt = shape[0], shape[1], "yuv420p"
    stream.codec_context.thread_count = 1
    stream.codec_context.time_base = 1 / fps
    return stream


def _add_sound(container: OutputContainer, sample_rate_hz: int) -> AudioStream:
    stream = container.add_stream("aac", rate=sample_rate_hz, options={"flags": "+bitexact"}, layout="mono")
    stream.codec_context.bit_rate = _AAC_BIT_RATE
    return stream


def _video_packets(
    stream: VideoStream, pictures: Iterable[NDArray[np.uint8]], shape: tuple[int, ...], fps: Fraction, counter: list[int]
) -> Iterator[Packet[VideoStream]]:
    reformatter = VideoReformatter()
    for index, picture in enumerate(pictures):
        _check_picture(picture, shape)
        rgb = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame = reformatter.reformat(rgb, format="yuv420p", threads=1)
        frame.pts, frame.time_base = index, 1 / fps
        counter[0] = index + 1
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _sound_packets(
    stream: AudioStream, audio: NDArray[np.float32] | Iterable[NDArray[np.float32]], sample_rate_hz: int
) -> Iterator[Packet[AudioStream]]:
    start = 0
    for samples in _aac_frames([audio] if isinstance(audio, np.ndarray) else audio):
        chunk = np.ascontiguousarray(np.clip(samples, -1.0, 1.0)[None], np.float32)
        frame = av.AudioFrame.from_ndarray(chunk, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = sample_rate_hz, start, Fraction(1, sample_rate_hz)
        start += len(samples)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _aac_frames(runs: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """Cut runs of samples into pieces of the size that AAC wants; only the last is shorter."""
    held = np.zeros(0, np.float32)
    for run in runs:
        held = np.concatenate([held, run]) if len(held) else run
        whole = len(held) // _AAC_FRAME_SAMPLES * _AAC_FRAME_SAMPLES
        for start in range(0, whole, _AAC_FRAME_SAMPLES):
            yield held[start : start + _AAC_FRAME_SAMPLES]
        held = held[whole:]
    if len(held):
        yield held


def _mux_by_time(container: OutputContainer, video: Iterator[Packet[Any]], sound: Iterator[Packet[Any]]) -> None:
    """Mux two streams in the order of their decoding times, so that a player needs no seeking and we no buffering."""
    for packet in heapq.merge(video, sound, key=_decoding_s):
        container.mux(packet)


def _decoding_s(packet: Packet[Any]) -> Fraction:
    return Fraction(packet.dts or 0) * packet.time_base
