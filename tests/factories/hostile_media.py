"""Small videos of a real face for hostile corpora: any container, any timing, with what is asked to be wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from numpy.typing import NDArray
from skimage import data

Rgb = NDArray[np.uint8]

FPS = 25
FRAMES = 36
"""Of an ordinary clip: a little more than the shortest that a build accepts."""

_SOUND_RATE_HZ = 48000
_SOUND_FRAME = 1024
_HEAD = (slice(0, 300), slice(70, 370))
_CODECS = {
    ".mp4": ("libx264", "aac"), ".mov": ("libx264", "pcm_s16le"), ".mkv": ("libx264", "libopus"), ".ts": ("libx264", "aac"),
    ".webm": ("libvpx-vp9", "libopus"), ".mpg": ("mpeg2video", "mp2"), ".avi": ("mpeg4", "pcm_s16le"),
}  # fmt: skip
_OPTIONS = {
    "libx264": {"preset": "ultrafast", "bf": "2", "crf": "24"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}


@lru_cache(maxsize=2)
def portrait(side_px: int = 300) -> Rgb:
    """Return the head of skimage's astronaut as a square RGB picture."""
    return np.asarray(cv2.resize(data.astronaut()[_HEAD], (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)


def face_frames(count: int = FRAMES, size: tuple[int, int] = (256, 192), heads: int = 1, head_px: int = 0) -> Iterator[Rgb]:
    """Yield pictures (height, width, 3) of `heads` swaying heads side by side on grey."""
    width, height = size
    side = head_px or min(height, width // heads)
    head = cv2.resize(portrait(), (side, side), interpolation=cv2.INTER_AREA)
    for index in range(count):
        picture = np.full((height, width, 3), 96, np.uint8)
        for place in range(heads):
            left = (width // heads) * place + (width // heads - side) // 2
            picture[(height - side) // 2 : (height + side) // 2, left : left + side] = head
        yield np.roll(picture, round(3 * np.sin(index / 4)), axis=1)


def noise_frames(count: int, size: tuple[int, int], seed: int) -> Iterator[Rgb]:
    """Yield pictures of coarse coloured noise."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        coarse = generator.integers(0, 256, (size[1] // 8, size[0] // 8, 3), np.uint8)
        yield np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def landscape_frames(count: int, size: tuple[int, int]) -> Iterator[Rgb]:
    """Yield pictures of a sky above a hill, moving sideways."""
    width, height = size
    sky = np.linspace((90, 140, 220), (200, 220, 240), height).astype(np.uint8)
    picture = np.repeat(sky[:, None], width, axis=1)
    ridge = (height * (0.6 + 0.1 * np.sin(np.arange(width) / 17))).astype(int)
    picture[np.arange(height)[:, None] >= ridge[None, :]] = (40, 110, 50)
    for index in range(count):
        yield np.roll(picture, 2 * index, axis=1)


def write_media(
    path: Path,
    pictures: Iterable[Rgb],
    *,
    fps: Fraction | int = FPS,
    ticks: Sequence[int] | None = None,
    sound_s: float | None = None,
    video_codec: str = "",
    audio_codec: str = "",
    pixel_format: str = "yuv420p",
    container: str = "",
    muxer_options: dict[str, str] | None = None,
    samples: NDArray[np.float32] | None = None,
) -> Path:
    """Write a video.

    Args:
        path: file to write; its suffix chooses container and codecs.
        pictures: RGB, all of one size.
        fps: frames a second; the time base is its inverse.
        ticks: presentation times in frames; default: 0, 1, 2, ...; must increase.
        sound_s: seconds of tone; None: as long as the video; 0: no sound track.
        video_codec: encoder; default by suffix.
        audio_codec: encoder; default by suffix.
        pixel_format: stored pixel format.
        container: FFmpeg's name of the muxer; default by suffix.
        muxer_options: e.g. movflags.
        samples: float32 (samples,) at 48 kHz in place of the tone.

    Returns:
        `path`.
    """
    images = list(pictures)
    names = _CODECS.get(path.suffix, ("libx264", "aac"))
    length_s = float(len(images) / Fraction(fps)) if sound_s is None else sound_s
    with av.open(str(path), "w", format=container or None, options={"fflags": "+bitexact", **(muxer_options or {})}) as output:
        video = _add_video(output, video_codec or names[0], Fraction(fps), images[0].shape, pixel_format)
        tone = samples if samples is not None else _tone(length_s)
        sound = output.add_stream(audio_codec or names[1], rate=_SOUND_RATE_HZ, layout="mono") if len(tone) else None
        packets = [
            *_video_packets(video, images, ticks or range(len(images)), pixel_format),
            *(_audio_packets(sound, tone) if sound else ()),
        ]
        for packet in sorted(packets, key=lambda packet: float((packet.dts or 0) * packet.time_base)):
            output.mux(packet)
    return path


def write_sound(path: Path, *, container: str, codec: str, length_s: float = 1.5) -> Path:
    """Write a file with nothing but a tone, in any container, under any name."""
    with av.open(str(path), "w", format=container, options={"fflags": "+bitexact"}) as output:
        stream = output.add_stream(codec, rate=_SOUND_RATE_HZ, layout="mono")
        for packet in _audio_packets(stream, _tone(length_s)):
            output.mux(packet)
    return path


def remux(source: Path, target: Path, *, container: str, keep: str) -> Path:
    """Copy the streams of one kind ("video" or "audio") into another container."""
    with av.open(str(source)) as given, av.open(str(target), "w", format=container) as output:
        chosen = next(stream for stream in given.streams if stream.type == keep)
        copy = output.add_stream_from_template(chosen)
        for packet in given.demux(chosen):
            if packet.dts is not None:
                packet.stream = copy
                output.mux(packet)
    return target


def _add_video(output: OutputContainer, codec: str, fps: Fraction, shape: tuple[int, ...], pixel_format: str) -> av.VideoStream:
    stream: av.VideoStream = output.add_stream(codec, rate=fps, options=_OPTIONS.get(codec, {}))  # type: ignore[assignment]
    stream.height, stream.width = shape[:2]
    stream.pix_fmt = pixel_format
    stream.codec_context.time_base = 1 / fps
    stream.codec_context.thread_count = 1
    stream.codec_context.gop_size = 12
    return stream


def _video_packets(stream: av.VideoStream, images: list[Rgb], ticks: Sequence[int], pixel_format: str) -> Iterator[Packet]:
    for image, tick in zip(images, ticks, strict=True):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24").reformat(format=pixel_format)
        frame.pts, frame.time_base = tick, stream.codec_context.time_base
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _tone(length_s: float) -> NDArray[np.float32]:
    times_s = np.arange(round(length_s * _SOUND_RATE_HZ)) / _SOUND_RATE_HZ
    return (0.4 * np.sin(2 * np.pi * 330 * times_s)).astype(np.float32)


def _audio_packets(stream: AudioStream, samples: NDArray[np.float32]) -> Iterator[Packet]:
    resampler = av.AudioResampler(format=stream.codec_context.format, layout=stream.layout, rate=_SOUND_RATE_HZ)
    for start in range(0, len(samples), _SOUND_FRAME):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, start : start + _SOUND_FRAME]), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = _SOUND_RATE_HZ, start, Fraction(1, _SOUND_RATE_HZ)
        for converted in resampler.resample(frame):
            yield from stream.encode(converted)
    for converted in resampler.resample(None):
        yield from stream.encode(converted)
    yield from stream.encode(None)
