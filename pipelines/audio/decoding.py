"""Decoding and resampling of sound: mono float32 at 16 kHz in runs whose place on the clock is known exactly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.typing import NDArray

from pipelines.media_files import error_text
from pipelines.media_time import SAMPLE_RATE_HZ, round_half_up
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage

MAX_DAMAGED_SHARE = 0.02
"""Share of a track's packets that may fail to decode; they become silence. More rejects the item."""

MAX_CHANNELS = 16
"""A frame that claims more is damaged."""

SAMPLE_RATES_HZ = (4000, 768_000)
"""Sample rates that real recorders use; a header that claims others is damaged."""

PLACEMENT_TOLERANCE_S = Fraction(10, 1000)
"""Timestamps this close to the samples before them continue the run (containers round to 1 ms or worse); beyond it a new run begins."""


@dataclass
class AudioTally:
    """What decoding one sound track came across.

    Attributes:
        packets: packets seen.
        damaged: packets that did not decode or lack bytes.
        first_error: FFmpeg's words for the first failure.
    """

    packets: int = 0
    damaged: int = 0
    first_error: str = ""

    def check(self, stage: Stage) -> None:
        """Raise if more packets are damaged than may become silence.

        Raises:
            ItemRejectedError: AUDIO_UNDECODABLE.
        """
        if self.damaged > MAX_DAMAGED_SHARE * self.packets:
            message = (
                f"expected at most {MAX_DAMAGED_SHARE:.0%} of the audio packets damaged, found {self.damaged} of {self.packets}"
                f" ({self.first_error or 'bytes missing'})"
            )
            details: dict[str, float | int | str] = {"damaged_packets": self.damaged, "packets": self.packets}
            raise ItemRejectedError(stage, RejectionReason.AUDIO_UNDECODABLE, message, details)


def decode_audio(packets: Iterable[Packet[AudioStream]], tally: AudioTally) -> Iterator[AudioFrame]:
    """Decode packets to frames; damaged ones are counted in `tally` and yield nothing."""
    for packet in packets:
        if packet.size:
            tally.packets += 1
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, ValueError) as error:
            tally.damaged += 1
            tally.first_error = tally.first_error or error_text(error)
            continue
        tally.damaged += int(packet.size > 0 and packet.is_corrupt)
        for frame in frames:
            if frame.layout.nb_channels > MAX_CHANNELS:
                tally.damaged += 1
                tally.first_error = tally.first_error or f"{frame.layout.nb_channels} channels"
            else:
                yield frame


@dataclass(frozen=True, eq=False)
class AudioChunk:
    """Samples in a row.

    Attributes:
        start_sample: place of the first sample on the clock, 16 kHz unless asked for otherwise; negative before its zero.
        samples: float32 (n,), mono, nominally -1..1.
    """

    start_sample: int
    samples: NDArray[np.float32]


def resample_to_mono(
    frames: Iterable[AudioFrame], stage: Stage, *, zero_s: Fraction | None = None, rate_hz: int = SAMPLE_RATE_HZ
) -> Iterator[AudioChunk]:
    """Resample frames to mono at one rate and place them by their timestamps.

    A stretch of frames that follow each other without a gap is resampled as one; at a gap, an overlap or a change of format a new
    stretch begins at its own timestamp. Mono is the mean of the channels.

    Args:
        frames: decoded frames in order.
        stage: stage that a rejection names.
        zero_s: time zero on the file's own clock in seconds; None: the first frame's time.
        rate_hz: samples a second of what comes out.

    Yields:
        Chunks in decoding order; later ones may overlap earlier ones where timestamps do.

    Raises:
        ItemRejectedError: AUDIO_UNDECODABLE if a sample is not a finite number, or the format cannot be resampled.
    """
    try:
        yield from _resample(frames, stage, zero_s, rate_hz)
    except (av.error.FFmpegError, ValueError) as error:
        message = f"the sound cannot be resampled ({error_text(error)})"
        raise ItemRejectedError(stage, RejectionReason.AUDIO_UNDECODABLE, message) from error


def _resample(frames: Iterable[AudioFrame], stage: Stage, zero_s: Fraction | None, out_rate_hz: int) -> Iterator[AudioChunk]:
    run: _Run | None = None
    for frame in frames:
        start_s = frame.pts * frame.time_base if frame.pts is not None and frame.time_base else None
        if zero_s is None:
            zero_s = start_s or Fraction(0)
        if run is None or not run.continued_by(frame, start_s):
            if run is not None:
                yield from _checked(run.flush(), stage, out_rate_hz)
            if start_s is None:
                start_s = run.end_s() if run is not None else zero_s
            _check_rate(frame.sample_rate, stage)
            run = _Run(start_s, zero_s, frame.sample_rate, frame.layout.name, frame.format.name, out_rate_hz)
        yield from _checked(run.push(frame), stage, out_rate_hz)
    if run is not None:
        yield from _checked(run.flush(), stage, out_rate_hz)


def _check_rate(rate_hz: int, stage: Stage) -> None:
    low, high = SAMPLE_RATES_HZ
    if not low <= rate_hz <= high:
        message = f"expected {low} to {high} samples a second, found {rate_hz}"
        raise ItemRejectedError(stage, RejectionReason.AUDIO_UNDECODABLE, message, {"sample_rate_hz": rate_hz})


@dataclass
class _Run:
    """Frames without a gap between them, resampled as one."""

    start_s: Fraction
    zero_s: Fraction
    rate_hz: int
    layout: str
    sample_format: str
    out_rate_hz: int
    samples_in: int = 0
    samples_out: int = 0
    resampler: AudioResampler = field(init=False)

    def __post_init__(self) -> None:
        # Channels stay apart here: FFmpeg's own mixing to mono adds 3 dB for float formats and none for integers.
        # Interleaved, because PyAV reads beyond the planes of frames with eight channels or more.
        self.resampler = AudioResampler(format="flt", layout=self.layout, rate=self.out_rate_hz)

    def end_s(self) -> Fraction:
        return self.start_s + Fraction(self.samples_in, self.rate_hz)

    def continued_by(self, frame: AudioFrame, start_s: Fraction | None) -> bool:
        same = (frame.sample_rate, frame.layout.name, frame.format.name) == (self.rate_hz, self.layout, self.sample_format)
        return same and (start_s is None or abs(start_s - self.end_s()) <= PLACEMENT_TOLERANCE_S)

    def push(self, frame: AudioFrame) -> Iterator[AudioChunk]:
        self.samples_in += frame.samples
        frame.pts = None  # the resampler would stretch or warn at timestamps that are a tick off; the run's start is what counts
        yield from self._chunks(self.resampler.resample(frame))

    def flush(self) -> Iterator[AudioChunk]:
        if self.samples_in:
            yield from self._chunks(self.resampler.resample(None))

    def _chunks(self, frames: Iterable[AudioFrame]) -> Iterator[AudioChunk]:
        first = round_half_up((self.start_s - self.zero_s) * self.out_rate_hz)
        for frame in frames:
            interleaved = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
            samples = interleaved.mean(axis=1, dtype=np.float32)
            yield AudioChunk(first + self.samples_out, samples.astype(np.float32, copy=False))
            self.samples_out += samples.shape[0]


def _checked(chunks: Iterable[AudioChunk], stage: Stage, rate_hz: int) -> Iterator[AudioChunk]:
    for chunk in chunks:
        if not np.isfinite(chunk.samples).all():
            where_s = max(chunk.start_sample, 0) / rate_hz
            message = f"expected finite samples, found infinities or not-a-numbers near {where_s:.1f} s"
            raise ItemRejectedError(stage, RejectionReason.AUDIO_UNDECODABLE, message, {"time_s": where_s})
        yield chunk
