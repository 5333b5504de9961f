"""Offline speech with phoneme times, by espeak-ng from the optional package `espeakng-loader`."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.speech.espeak import Voice, require_speech, run_espeak
from storage_schemas.errors import BadInputError

__all__ = ["SPEECH_RATE_HZ", "Phoneme", "Speech", "Voice", "require_speech", "speak"]

SPEECH_RATE_HZ = 22050


@dataclass(frozen=True)
class Phoneme:
    """One phoneme in IPA, stress mark included; times in seconds after the first sample. Empty: silence."""

    ipa: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Speech:
    """A spoken sentence.

    Attributes:
        samples: int16 (n,) mono at `SPEECH_RATE_HZ`.
        phonemes: in order, without gaps, from 0 to the end of the samples.
    """

    samples: npt.NDArray[np.int16]
    phonemes: tuple[Phoneme, ...]

    @property
    def duration_s(self) -> float:
        """Length of the samples in seconds."""
        return len(self.samples) / SPEECH_RATE_HZ


def speak(text: str, voice: Voice) -> Speech:
    """Speak a text; the same samples for the same text and voice, every time.

    Raises:
        BadInputError: if espeak-ng is not installed, or refuses the voice.
    """
    return _parse(run_espeak(text, voice), text)


def _parse(spoken: dict[str, object], text: str) -> Speech:
    if spoken["sample_rate_hz"] != SPEECH_RATE_HZ:
        raise BadInputError(f"espeak-ng speaks at {spoken['sample_rate_hz']} Hz, expected {SPEECH_RATE_HZ} (text {text!r})")
    samples = np.frombuffer(base64.b64decode(str(spoken["samples"])), dtype="<i2").astype(np.int16)
    events = [(int(sample), str(ipa)) for sample, ipa in spoken["phonemes"]]  # type: ignore[attr-defined]
    starts = [sample / SPEECH_RATE_HZ for sample, _ in events]
    ends = [*starts[1:], len(samples) / SPEECH_RATE_HZ]
    phonemes = [Phoneme(ipa, start, max(start, end)) for (_, ipa), start, end in zip(events, starts, ends, strict=True)]
    return Speech(samples, tuple(phoneme for phoneme in phonemes if phoneme.end_s > phoneme.start_s))
