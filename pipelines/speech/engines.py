"""What a speech engine is, and which one a setting means.

with open_speech_engine("espeak-ng") as engine:
    seconds = speak_to_file(engine, "Hello.", "en-us+f3", path)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from pipelines.generation.audio_streaming import stream_waveform
from pipelines.media_time import SAMPLE_RATE_HZ
from pipelines.speech.command_engine import CommandEngine
from pipelines.speech.entry_point_engine import EntryPointEngine
from pipelines.speech.espeak import EspeakEngine
from storage_schemas.errors import BadInputError, ItemRejectedError

ESPEAK = "espeak-ng"
COMMAND = "command:"
FUNCTION = "python:"


class SpeechEngine(Protocol):
    """Something that speaks; may be used from several threads.

    Attributes:
        identity: what decides, beside text and voice, how it sounds; part of the hash of everything spoken with it.
    """

    identity: dict[str, str]

    def voice_problem(self, voice: str) -> str:
        """Return why a voice cannot be used; empty: it can, as far as is known. An empty voice is the engine's default."""
        ...

    def speak(self, text: str, voice: str, path: Path) -> None:
        """Write the sound of a text to a file that is then there whole or not at all.

        Raises:
            BadInputError: it cannot speak the text or has no such voice.
            StoreError: the file cannot be written.
        """
        ...

    def close(self) -> None:
        """End its processes; idempotent."""
        ...


@contextmanager
def open_speech_engine(setting: str) -> Iterator[SpeechEngine]:
    """Open the engine that a setting means, for as long as the context lasts.

    Args:
        setting: ``espeak-ng``, ``command:PROGRAM ARGUMENTS`` or ``python:package.module:function``.

    Raises:
        BadInputError: none of these, or it is not installed.
    """
    engine = _engine(setting.strip())
    try:
        yield engine
    finally:
        engine.close()


def _engine(setting: str) -> SpeechEngine:
    if setting == ESPEAK:
        return EspeakEngine()
    if setting.startswith(COMMAND):
        return CommandEngine(setting.removeprefix(COMMAND))
    if setting.startswith(FUNCTION):
        return EntryPointEngine(setting.removeprefix(FUNCTION))
    expected = f"{ESPEAK}, {COMMAND}PROGRAM ARGUMENTS or {FUNCTION}package.module:function"
    raise BadInputError(f"unknown speech engine {setting!r}; expected {expected}")


def speak_to_file(engine: SpeechEngine, text: str, voice: str, path: Path) -> float:
    """Speak a text, check that sound came of it, and return its length in seconds.

    Args:
        engine: what speaks.
        text: what is said.
        voice: of the engine; empty: its default.
        path: file that is written, in a folder that is there.

    Raises:
        BadInputError: it cannot be spoken, or what came of it is no sound.
        StoreError: the file cannot be written.
    """
    engine.speak(text, voice, path)
    try:
        samples = sum(len(chunk) for chunk in stream_waveform(path))
    except ItemRejectedError as error:
        path.unlink(missing_ok=True)
        raise BadInputError(f"what {engine.identity['engine']} made of the text is no sound: {error.message}") from error
    if not samples:
        path.unlink(missing_ok=True)
        raise BadInputError(f"{engine.identity['engine']} made no sound of the text {text[:60]!r}")
    return samples / SAMPLE_RATE_HZ
