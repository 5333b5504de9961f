"""Log-mel columns of an item's audio, a run at a time: from arrays, or from a file of any length in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.log_mel import log_mel
from pipelines.generation.audio_streaming import stream_waveform
from pipelines.media_time import SAMPLES_PER_FRAME
from storage_schemas.build_spec import AudioSettings
from storage_schemas.errors import BadInputError, ItemRejectedError

Float32Array = NDArray[np.float32]

_REREAD_SAMPLES = 32_000  # expression and pose read the same sound with margins of their own
_MARGIN_COLUMNS = 4  # a window reaches two columns to each side, and pre-emphasis one sample further


class AudioFeatures(Protocol):
    """The sound of one item."""

    @property
    def frames(self) -> int:
        """Video frames (1/25 s) that the sound lasts, at least 1."""
        ...

    @property
    def columns(self) -> int:
        """Number of log-mel columns, 80 a second."""
        ...

    def read(self, first: int, end: int) -> Float32Array:
        """Return columns `first` to `end`, (end - first, 80) float32; calls go forwards, give or take a second."""
        ...


def frames_of_samples(samples: int) -> int:
    """Return how many video frames a sound at 16 kHz lasts: the nearest number, at least one."""
    return max(1, (samples + SAMPLES_PER_FRAME // 2) // SAMPLES_PER_FRAME)


class MelAudio:
    """Sound given as its log-mel, e.g. of a dataset version's clip.

    Args:
        mel: (columns, 80) float32.

    Raises:
        BadInputError: it has another shape, no columns, or values that are not finite.
    """

    def __init__(self, mel: Float32Array) -> None:
        bands = AudioSettings().n_mels
        if mel.ndim != 2 or mel.shape[1] != bands or not len(mel):
            raise BadInputError(f"log-mel must be (columns, {bands}) with at least one column, got {mel.shape}")
        if not np.isfinite(mel).all():
            raise BadInputError(f"log-mel holds infinities or not-a-numbers, first in column {_first_bad(mel)}")
        self._mel = mel.astype(np.float32, copy=False)
        self.columns = len(mel)
        # A sound of n samples has 1 + n // 200 columns.
        self.frames = frames_of_samples((self.columns - 1) * AudioSettings().hop_samples)

    def read(self, first: int, end: int) -> Float32Array:
        """See `AudioFeatures.read`."""
        return self._mel[first:end]


class WaveformAudio(MelAudio):
    """Sound given as samples.

    Args:
        waveform: (samples,) float32, mono, 16 kHz, nominally -1..1.

    Raises:
        BadInputError: no samples, or some that are not finite.
    """

    def __init__(self, waveform: Float32Array) -> None:
        if waveform.ndim != 1 or not len(waveform):
            raise BadInputError(f"the audio is empty: expected samples (n,), got {waveform.shape}")
        if not np.isfinite(waveform).all():
            at_s = _first_bad(waveform) / AudioSettings().sample_rate_hz
            raise BadInputError(f"the audio holds infinities or not-a-numbers, first at {at_s:.2f} s")
        super().__init__(log_mel(waveform.astype(np.float32, copy=False), AudioSettings()))
        self.frames = frames_of_samples(len(waveform))


class AudioFile:
    """Sound of a file that is decoded as it is needed: once through to check and measure it, and once more to use it.

    Args:
        path: audio file, or a video with sound.

    Raises:
        BadInputError: it has no samples.
        ItemRejectedError: it cannot be decoded, or has samples that are not finite.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hop = AudioSettings().hop_samples
        samples = sum(len(chunk) for chunk in stream_waveform(path))
        if not samples:
            raise BadInputError(f"{path}: the audio is empty: it has a track without samples")
        self._samples = samples
        self.columns = 1 + samples // self._hop
        self.frames = frames_of_samples(samples)
        self._restart()

    def read(self, first: int, end: int) -> Float32Array:
        """See `AudioFeatures.read`; going back is possible and starts decoding anew."""
        end = min(end, self.columns)
        start = max(0, first - _MARGIN_COLUMNS)
        if start * self._hop < self._held_from:
            self._restart()
        window = self._samples_between(start * self._hop, min((end + _MARGIN_COLUMNS) * self._hop, self._samples))
        mel = log_mel(window, AudioSettings())
        return mel[first - start : end - start]

    def _restart(self) -> None:
        self._chunks: Iterator[Float32Array] = stream_waveform(self._path)
        self._held = np.zeros(0, np.float32)
        self._held_from = 0

    def _samples_between(self, start: int, end: int) -> Float32Array:
        pieces, held_to = [self._held], self._held_from + len(self._held)
        while held_to < end:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise BadInputError(f"{self._path} has changed while it was read: expected {self._samples} samples, found {held_to}")
            pieces.append(chunk)
            held_to += len(chunk)
        held = np.concatenate(pieces)
        dropped = max(0, start - _REREAD_SAMPLES - self._held_from)
        self._held, self._held_from = held[dropped:].copy(), self._held_from + dropped
        return self._held[start - self._held_from : end - self._held_from]


def _first_bad(values: Float32Array) -> int:
    return int(np.argwhere(~np.isfinite(values))[0][0])


class GuardedAudio:
    """Sound that turns to silence when it can no longer be read, and remembers why: one bad file never stops a batch.

    Args:
        audio: what is read.

    Attributes:
        problem: why reading failed; empty: it has not.
    """

    def __init__(self, audio: AudioFeatures) -> None:
        self._audio = audio
        self.frames = audio.frames
        self.columns = audio.columns
        self.problem = ""

    def read(self, first: int, end: int) -> Float32Array:
        """See `AudioFeatures.read`."""
        if not self.problem:
            try:
                return self._audio.read(first, end)
            except (BadInputError, ItemRejectedError, OSError) as error:
                self.problem = str(error)
        settings = AudioSettings()
        return np.full((max(0, end - first), settings.n_mels), -settings.max_abs_value, np.float32)
