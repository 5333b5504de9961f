"""Any Python function that turns text into sound, in one process that stays for all texts, so that it loads its model once."""

from __future__ import annotations

import importlib.util
import re
import tempfile
import threading
from pathlib import Path

from pipelines.dataset.isolation import IsolatedProcess, LimitExceededError, Limits
from storage_schemas.errors import BadInputError

_ENTRY = re.compile(r"^(?P<module>[A-Za-z_][\w.]*):(?P<function>[A-Za-z_]\w*)$")
_LEAST_LIMIT_S = 300.0
_LIMIT_S_PER_CHARACTER = 0.5
_MEMORY_MB = 16_384


class EntryPointEngine:
    """See `engines.SpeechEngine`; the function is called as ``function(text, voice)`` and returns (samples, rate in Hz).

    Samples are a sequence or array (n,), int16 or float in -1..1. It runs in a process of its own and should give the same samples for the
    same text and voice.

    Args:
        entry: ``package.module:function``.

    Raises:
        BadInputError: not of this form, or there is no such module.
    """

    def __init__(self, entry: str) -> None:
        found = _ENTRY.match(entry)
        if found is None:
            raise BadInputError(f"expected a speech function as package.module:function, found {entry!r}")
        try:
            there = importlib.util.find_spec(found["module"]) is not None
        except (ImportError, ValueError) as error:
            raise BadInputError(f"the speech function {entry!r} cannot be imported: {error}") from error
        if not there:
            raise BadInputError(f"there is no module {found['module']!r} to speak with; install its package or set PYTHONPATH")
        self.identity = {"engine": "python", "function": entry}
        self._entry = entry
        self._guard = threading.Lock()
        self._log = tempfile.NamedTemporaryFile(prefix="flowvqtalker-speech-", suffix=".log")  # noqa: SIM115 - closed by close()
        self._process = IsolatedProcess(Path(self._log.name), "pipelines.speech.entry_point_process")

    def voice_problem(self, voice: str) -> str:  # noqa: ARG002 - only the function knows its voices
        """See `engines.SpeechEngine.voice_problem`."""
        return ""

    def speak(self, text: str, voice: str, path: Path) -> None:
        """See `engines.SpeechEngine.speak`."""
        limits = Limits(_LEAST_LIMIT_S + _LIMIT_S_PER_CHARACTER * len(text), _MEMORY_MB)
        request = {"entry": self._entry, "text": text, "voice": voice, "path": str(path.absolute()), "out_folder": str(path.absolute())}
        try:
            with self._guard:
                self._process.run(request, limits)
        except LimitExceededError as error:
            raise BadInputError(f"the speech function {self._entry} failed: {error.message}") from error

    def close(self) -> None:
        """See `engines.SpeechEngine.close`."""
        self._process.close()
        self._log.close()
