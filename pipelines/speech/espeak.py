"""espeak-ng from the optional package `espeakng-loader`: robotic, but offline, quick, in a hundred languages, and always the same."""

from __future__ import annotations

import base64
import json
import re
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from pipelines.speech import espeak_process
from pipelines.speech.limited_process import run_limited
from pipelines.speech.wave_files import write_wave
from storage_schemas.errors import BadInputError

DEFAULT_VOICE = "en-us"
_VOICE = re.compile(r"^[A-Za-z0-9-]+(\+[A-Za-z0-9_-]+)?$")
_LEAST_LIMIT_S = 60.0
_LIMIT_S_PER_CHARACTER = 0.01


@dataclass(frozen=True)
class Voice:
    """How a sentence is spoken: espeak-ng voice with variant, words per minute, pitch and pitch range (0..100 each)."""

    name: str
    words_per_minute: int = 165
    pitch: int = 50
    pitch_range: int = 50


def require_speech() -> tuple[str, str]:
    """Return the paths of espeak-ng's library and data.

    Raises:
        BadInputError: if the optional package is not installed.
    """
    try:
        import espeakng_loader  # noqa: PLC0415 - optional, because espeak-ng is GPL-3
    except ImportError as error:
        msg = "speech needs espeak-ng, which is not installed: pip install 'flowvqtalker[speech]' (espeak-ng is GPL-3)"
        raise BadInputError(msg) from error
    return str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path())


def run_espeak(text: str, voice: Voice) -> dict[str, Any]:
    """Speak a text in a fresh process and return what `espeak_process` describes.

    Raises:
        BadInputError: espeak-ng is not installed, or refuses the voice or the text.
    """
    library, data = require_speech()
    settings = [str(voice.words_per_minute), str(voice.pitch), str(voice.pitch_range)]
    command = [sys.executable, "-I", "-S", str(Path(espeak_process.__file__)), library, data, voice.name, *settings]
    limit_s = _LEAST_LIMIT_S + _LIMIT_S_PER_CHARACTER * len(text)
    spoken: dict[str, Any] = json.loads(run_limited(command, text.encode("utf-8"), limit_s=limit_s, name="espeak-ng"))
    return spoken


class EspeakEngine:
    """See `engines.SpeechEngine`; voices are espeak-ng's, such as ``de`` or ``en-us+f3``."""

    def __init__(self) -> None:
        self._data = Path(require_speech()[1])
        self.identity = {
            "engine": "espeak-ng",
            "version": metadata.version("espeakng-loader"),
            "words_per_minute": str(Voice("").words_per_minute),
        }
        self._judged: dict[str, str] = {"": ""}

    def voice_problem(self, voice: str) -> str:
        """See `engines.SpeechEngine.voice_problem`."""
        if voice not in self._judged:
            self._judged[voice] = self._judge(voice)
        return self._judged[voice]

    def _judge(self, voice: str) -> str:
        if not _VOICE.match(voice):
            return f"expected a voice of espeak-ng such as de or en-us+f3, found {voice[:60]!r}"
        _, _, variant = voice.partition("+")
        variants = sorted(path.name for path in (self._data / "voices" / "!v").iterdir())
        if variant and variant not in variants:  # espeak-ng itself would go on without it
            return f"espeak-ng has no variant {variant!r} of a voice; it has {', '.join(variants)}"
        try:
            run_espeak("a", Voice(voice))
        except BadInputError as error:
            return f"{error}; `espeak-ng --voices` lists what there is"
        return ""

    def speak(self, text: str, voice: str, path: Path) -> None:
        """See `engines.SpeechEngine.speak`."""
        problem = self.voice_problem(voice)
        if problem:
            raise BadInputError(problem)
        spoken = run_espeak(text, Voice(voice or DEFAULT_VOICE))
        write_wave(path, base64.b64decode(spoken["samples"]), int(spoken["sample_rate_hz"]))

    def close(self) -> None:
        """See `engines.SpeechEngine.close`."""
