"""Small videos with known content: flash-and-beep clips for sync, numbered frames for frame identity, damaged files.

`write_flash_and_beep` writes a flash and a beep once a second; the beep starts at the very presentation time of the first bright
frame, so what the source itself cannot show (a frame lasts up to 42 ms) is not counted as an error of the code under test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BEEP_RATE_HZ = 48000
BEEP_HZ = 1000.0
BEEP_S = 0.08
FLASH_S = Fraction(12, 100)
PTS_TICKS_HZ = 90000
AUDIO_FRAME_SAMPLES = 1024

_CODECS = {
    ".mp4": ("libx264", "aac"),
    ".m4v": ("libx264", "aac"),
    ".mov": ("libx264", "pcm_s16le"),
    ".mkv": ("libx264", "libopus"),
    ".webm": ("libvpx-vp9", "libopus"),
    ".mpg": ("mpeg2video", "mp2"),
    ".avi": ("mpeg4", "pcm_s16le"),
}

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class FlashAndBeep:
    """Ground truth of a flash-and-beep file: onset times in seconds after the first video frame; both lists are equal."""

    path: Path
    onsets_s: tuple[float, ...]
    patch_px: tuple[int, int, int, int]
    frame_times_s: tuple[float, ...]


def write_flash_and_beep(
    path: Path,
    fps: Fraction | int,
    duration_s: float,
    *,
    variable: bool = False,
    audio_delay_s: float = 0.0,
    rotation_deg: int = 0,
    face: Rgb | None = None,
    size: tuple[int, int] = (160, 120),
    patch_px: tuple[int, int, int, int] | None = None,
    audio: bool = True,
    first_pts_s: float = 0.0,
    video_codec: str = "",
    audio_codec: str = "",
    pixel_format: str = "yuv420p",
    faststart: bool = False,
) -> FlashAndBeep:
    """Write a video with a flash and a beep at about 0.5 s, 1.5 s, ...

    Args:
        path: file to write; its suffix chooses the container and the default codecs.
        fps: frames a second, or with `variable` the mean of an irregular sequence.
        duration_s: length of the video in seconds.
        variable: frames at irregular times (between half and twice the mean interval).
        audio_delay_s: the audio track starts this late: earlier beeps are missing from `onsets_s`.
        rotation_deg: 0, 90, 180 or 270: pixels are stored so that this clockwise rotation, written in the header, shows them upright.
        face: RGB uint8 portrait, scaled to the frame's height in the middle of a grey frame.
        size: width and height of the upright picture in pixels (even).
        patch_px: x, y, width, height of the flashing patch in the upright picture; default: the upper left corner, an eighth of the height.
        audio: False writes no audio track.
        first_pts_s: presentation time of the first frame on the file's own clock, rounded to whole frames.
        video_codec: encoder; default by suffix.
        audio_codec: encoder; default by suffix.
        pixel_format: stored pixel format.
        faststart: put the index of an mp4 in front.

    Returns:
        Where flashes and beeps are.
    """
    width, height = size
    patch = patch_px or (0, 0, max(height // 8, 8), max(height // 8, 8))
    times = _frame_times(Fraction(fps), duration_s, variable=variable)
    onsets, bright = _flash_frames(times)
    dark_picture = _background(face, width, height)
    bright_picture = dark_picture.copy()
    bright_picture[patch[1] : patch[1] + patch[3], patch[0] : patch[0] + patch[2]] = 255
    first_pts_s = float(round(Fraction(first_pts_s) * fps) / Fraction(fps))
    default_video, default_audio = _CODECS[path.suffix]
    options = {"movflags": "+faststart"} if faststart else {}
    if path.suffix in {".mp4", ".m4v", ".mov"}:
        options["movie_timescale"] = str(BEEP_RATE_HZ)  # the default of 1 ms would round the start of a late track
    with av.open(str(path), "w", options=options) as container:
        video = _add_video(container, video_codec or default_video, Fraction(fps), size, rotation_deg, pixel_format, variable)
        sound = container.add_stream(audio_codec or default_audio, rate=BEEP_RATE_HZ, layout="mono") if audio else None
        pictures = [_stored(picture, rotation_deg, pixel_format) for picture in (dark_picture, bright_picture)]
        video_packets = _video_packets(video, pictures, times, bright, first_pts_s)
        audio_packets = _audio_packets(sound, onsets, duration_s, audio_delay_s, first_pts_s) if sound else iter(())
        _interleave(container, video_packets, audio_packets)
    heard = tuple(float(onset) for onset in onsets if not audio or onset >= audio_delay_s)
    return FlashAndBeep(path, heard, patch, tuple(float(time) for time in times))


def write_numbered_frames(
    path: Path, frames: int, *, fps: int = 25, size: tuple[int, int] = (128, 96), key_interval: int = 12, rotation_deg: int = 0
) -> None:
    """Write a video without sound whose every frame shows its number, readable by `frame_number`."""
    width, height = size
    with av.open(str(path), "w") as container:
        video = _add_video(container, _CODECS[path.suffix][0], Fraction(fps), size, rotation_deg, "yuv420p", variable=False)
        video.codec_context.gop_size = key_interval
        for index in range(frames):
            frame = _stored(_number_picture(index, width, height), rotation_deg, "yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


def frame_number(picture: Rgb) -> int:
    """Read the number that `write_numbered_frames` drew: 16 bits as black and white columns of the upper half."""
    height, width = picture.shape[:2]
    columns = picture[: height // 2].mean(axis=(0, 2)).reshape(16, width // 16).mean(axis=1)
    return int(sum(int(value > 127) << bit for bit, value in enumerate(columns)))


def write_tone(path: Path, duration_s: float, *, hz: float = 440.0, rate_hz: int = 48000, codec: str = "", channels: int = 1) -> None:
    """Write an audio file (.wav, .m4a, .mp3, .flac) with a tone of amplitude 0.5."""
    samples = 0.5 * np.sin(2 * np.pi * hz * np.arange(round(duration_s * rate_hz)) / rate_hz)
    name = codec or {".wav": "pcm_s16le", ".m4a": "aac", ".mp3": "libmp3lame", ".flac": "flac"}[path.suffix]
    layout = {1: "mono", 2: "stereo"}[channels]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(name, rate=rate_hz, layout=layout)
        for packet in _encode_samples(stream, np.tile(samples, (channels, 1)), 0, rate_hz):
            container.mux(packet)


def beep_onsets_s(waveform: NDArray[np.float32], rate_hz: int = 16000) -> list[float]:
    """Find the beeps of a waveform: onset times in seconds, by correlation with the known beep; better than 0.1 ms on clean audio."""
    template = _beep(rate_hz).astype(np.float64)
    padded = np.concatenate([waveform.astype(np.float64), np.zeros(len(template))])
    size = 1 << int(np.ceil(np.log2(len(padded) + len(template))))
    correlation = np.fft.irfft(np.fft.rfft(padded, size) * np.conj(np.fft.rfft(template, size)), size)[: len(waveform)]
    threshold = 0.5 * float(template @ template)
    onsets: list[float] = []
    position = 0
    while True:
        above = np.flatnonzero(correlation[position:] > threshold)
        if not len(above):
            return onsets
        start = position + int(above[0])
        window = correlation[start : start + len(template)]
        peak = start + int(np.argmax(window))
        onsets.append(peak / rate_hz)
        position = peak + len(template)


def flash_onsets(brightness: NDArray[np.float64]) -> list[int]:
    """Return the indices at which a series of mean patch brightnesses (0..255) rises above the middle of its range."""
    lit = brightness > (brightness.min() + brightness.max()) / 2
    return [int(index) for index in np.flatnonzero(lit[1:] & ~lit[:-1]) + 1]


def _frame_times(fps: Fraction, duration_s: float, *, variable: bool) -> list[Fraction]:
    """Presentation times in seconds after the first frame, exact multiples of the tick for variable rates."""
    if not variable:
        return [index / fps for index in range(int(duration_s * fps))]
    generator = np.random.default_rng(7)
    times = [Fraction(0)]
    while times[-1] < duration_s:
        ticks = round(PTS_TICKS_HZ / fps * generator.choice([0.5, 0.75, 1.0, 1.25, 2.0]))
        times.append(times[-1] + Fraction(ticks, PTS_TICKS_HZ))
    return times[:-1]


def _flash_frames(times: Sequence[Fraction]) -> tuple[list[Fraction], list[bool]]:
    onsets: list[Fraction] = []
    bright: list[bool] = []
    for time in times:
        if time % 1 >= Fraction(1, 2) and (not onsets or int(onsets[-1]) < int(time)):
            onsets.append(time)
        bright.append(bool(onsets) and time < onsets[-1] + FLASH_S)
    return onsets, bright


def _background(face: Rgb | None, width: int, height: int) -> Rgb:
    picture = np.full((height, width, 3), 90, np.uint8)
    if face is None:
        return picture
    import cv2  # noqa: PLC0415 - only faces need it

    scale = min(height / face.shape[0], width / face.shape[1])
    scaled = cv2.resize(face, (int(face.shape[1] * scale), int(face.shape[0] * scale)), interpolation=cv2.INTER_AREA)
    top, left = (height - scaled.shape[0]) // 2, (width - scaled.shape[1]) // 2
    picture[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return picture


def _number_picture(number: int, width: int, height: int) -> Rgb:
    bits = np.array([(number >> bit) & 1 for bit in range(16)], np.uint8)
    picture = np.full((height, width, 3), 100, np.uint8)
    picture[: height // 2] = (np.repeat(bits, width // 16) * 215 + 20)[None, :, None]
    return picture


def _stored(picture: Rgb, rotation_deg: int, pixel_format: str) -> av.VideoFrame:
    stored = np.ascontiguousarray(np.rot90(picture, rotation_deg // 90))
    return av.VideoFrame.from_ndarray(stored, format="rgb24").reformat(format=pixel_format)


def _add_video(
    container: av.container.OutputContainer,
    codec: str,
    fps: Fraction,
    size: tuple[int, int],
    rotation_deg: int,
    pixel_format: str,
    variable: bool,
) -> av.VideoStream:
    stream = container.add_stream(codec, rate=fps.limit_denominator(1001))
    stream.width, stream.height = size if rotation_deg % 180 == 0 else size[::-1]
    stream.pix_fmt = pixel_format
    stream.codec_context.time_base = Fraction(1, PTS_TICKS_HZ) if variable else 1 / fps
    stream.codec_context.thread_count = 1
    stream.codec_context.gop_size = 50
    if codec in {"libx264", "libx265"}:
        stream.options = {"preset": "ultrafast", "bf": "2", "crf": "22"} | ({"x265-params": "log-level=none"} if codec == "libx265" else {})
    elif codec == "libvpx-vp9":
        stream.options = {"deadline": "realtime", "cpu-used": "8"}
    if rotation_deg:
        stream.set_display_rotation(-rotation_deg)
    return stream


def _video_packets(
    stream: av.VideoStream, pictures: Sequence[av.VideoFrame], times: Sequence[Fraction], bright: Sequence[bool], first_pts_s: float
) -> Iterator[av.Packet]:
    time_base = stream.codec_context.time_base
    first_tick = round(Fraction(first_pts_s) / time_base)
    for time, is_bright in zip(times, bright, strict=True):
        frame = pictures[is_bright]
        frame.pts, frame.time_base = first_tick + round(time / time_base), time_base
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _beep(rate_hz: int) -> NDArray[np.float32]:
    # A cosine starts at its peak: a hard onset that codecs keep to well under a millisecond.
    return (0.8 * np.cos(2 * np.pi * BEEP_HZ * np.arange(round(BEEP_S * rate_hz)) / rate_hz)).astype(np.float32)


def _audio_packets(
    stream: av.AudioStream, onsets: Sequence[Fraction], duration_s: float, delay_s: float, first_pts_s: float
) -> Iterator[av.Packet]:
    samples = np.zeros(round(duration_s * BEEP_RATE_HZ), np.float32)
    beep = _beep(BEEP_RATE_HZ)
    for onset in onsets:
        start = round(onset * BEEP_RATE_HZ)
        samples[start : start + len(beep)] = beep[: len(samples) - start]
    skipped = round(delay_s * BEEP_RATE_HZ)
    first_sample = skipped + round(first_pts_s * BEEP_RATE_HZ)
    yield from _encode_samples(stream, samples[None, skipped:], first_sample, BEEP_RATE_HZ)


def _encode_samples(stream: av.AudioStream, samples: NDArray[np.floating], first_sample: int, rate_hz: int) -> Iterator[av.Packet]:
    resampler = av.AudioResampler(format=stream.codec_context.format, layout=stream.layout, rate=rate_hz)
    for start in range(0, samples.shape[1], AUDIO_FRAME_SAMPLES):
        chunk = np.ascontiguousarray(samples[:, start : start + AUDIO_FRAME_SAMPLES], dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(chunk, format="fltp", layout=stream.layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, first_sample + start, Fraction(1, rate_hz)
        for converted in resampler.resample(frame):
            yield from stream.encode(converted)
    for converted in resampler.resample(None):
        yield from stream.encode(converted)
    yield from stream.encode(None)


def _interleave(container: av.container.OutputContainer, video: Iterator[av.Packet], audio: Iterator[av.Packet]) -> None:
    """Mux both in the order of their decoding times, as a camera would, so that a truncated file lacks the end of both."""
    waiting = [next(video, None), next(audio, None)]
    sources = (video, audio)
    while any(packet is not None for packet in waiting):
        times = [float(packet.dts * packet.time_base) if packet is not None else np.inf for packet in waiting]
        chosen = int(np.argmin(times))
        container.mux(waiting[chosen])
        waiting[chosen] = next(sources[chosen], None)
