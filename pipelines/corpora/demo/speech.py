"""Offline speech with phoneme times, by espeak-ng from the optional package `espeakng-loader`."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.corpora.demo import espeak_process
from storage_schemas.errors import BadInputError

SPEECH_RATE_HZ = 22050
_TIME_LIMIT_S = 60.0


@dataclass(frozen=True)
class Voice:
    """How a sentence is spoken: espeak-ng voice with variant, words per minute, pitch and pitch range (0..100 each)."""

    name: str
    words_per_minute: int
    pitch: int
    pitch_range: int


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


def require_speech() -> tuple[str, str]:
    """Return the paths of espeak-ng's library and data.

    Raises:
        BadInputError: if the optional package is not installed.
    """
    try:
        import espeakng_loader  # noqa: PLC0415 - optional, because espeak-ng is GPL-3
    except ImportError as error:
        msg = "the demo corpus speaks with espeak-ng, which is not installed: pip install 'flowvqtalker[speech]' (espeak-ng is GPL-3)"
        raise BadInputError(msg) from error
    return str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path())


def speak(text: str, voice: Voice) -> Speech:
    """Speak a text; the same samples for the same text and voice, every time.

    Raises:
        BadInputError: if espeak-ng is not installed, or refuses the voice.
    """
    library, data = require_speech()
    script = str(Path(espeak_process.__file__))
    settings = [str(voice.words_per_minute), str(voice.pitch), str(voice.pitch_range)]
    command = [sys.executable, "-I", "-S", script, library, data, voice.name, *settings, text]
    done = subprocess.run(command, capture_output=True, timeout=_TIME_LIMIT_S, check=False)  # noqa: S603 - fixed program, list of arguments
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise BadInputError(f"espeak-ng could not speak {text!r} with voice {voice.name!r}: {' '.join(reason)}")
    return _parse(json.loads(done.stdout), text)


def _parse(spoken: dict[str, object], text: str) -> Speech:
    if spoken["sample_rate_hz"] != SPEECH_RATE_HZ:
        raise BadInputError(f"espeak-ng speaks at {spoken['sample_rate_hz']} Hz, expected {SPEECH_RATE_HZ} (text {text!r})")
    samples = np.frombuffer(base64.b64decode(str(spoken["samples"])), dtype="<i2").astype(np.int16)
    events = [(int(sample), str(ipa)) for sample, ipa in spoken["phonemes"]]  # type: ignore[attr-defined]
    starts = [sample / SPEECH_RATE_HZ for sample, _ in events]
    ends = [*starts[1:], len(samples) / SPEECH_RATE_HZ]
    phonemes = [Phoneme(ipa, start, max(start, end)) for (_, ipa), start, end in zip(events, starts, ends, strict=True)]
    return Speech(samples, tuple(phoneme for phoneme in phonemes if phoneme.end_s > phoneme.start_s))
