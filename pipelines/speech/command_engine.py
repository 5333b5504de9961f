"""Any program that turns text into sound, run once for each text."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from pathlib import Path

from pipelines.speech.limited_process import run_limited
from storage_schemas.errors import BadInputError
from storage_schemas.store_trouble import store_trouble

_PLACES = ("{text_file}", "{voice}", "{out}")
_LEAST_LIMIT_S = 120.0
_LIMIT_S_PER_CHARACTER = 0.5


class CommandEngine:
    """See `engines.SpeechEngine`.

    ``{voice}``, ``{text_file}`` and ``{out}`` in the arguments stand for the voice, a UTF-8 file with the text and the sound file to write.
    Without ``{text_file}`` the text comes on standard input, without ``{out}`` the sound is expected on standard output.

    Args:
        command: program and arguments, quoted as in a shell, but run without one.

    Raises:
        BadInputError: no such program, or quotes that do not match.
    """

    def __init__(self, command: str) -> None:
        try:
            self._arguments = shlex.split(command)
        except ValueError as error:
            raise BadInputError(f"the speech command {command!r} cannot be read: {error}") from error
        if not self._arguments or shutil.which(self._arguments[0]) is None:
            raise BadInputError(f"the speech command {command!r} names no program that can be run; give its path")
        self.identity = {"engine": "command", "command": command}

    def voice_problem(self, voice: str) -> str:
        """See `engines.SpeechEngine.voice_problem`."""
        takes_voice = any("{voice}" in argument for argument in self._arguments)
        if takes_voice and not voice:
            return "the speech command needs a voice; fill the column"
        if voice and not takes_voice:
            return "the speech command has no {voice} in it, so the voice would go unheard; clear the column"
        if voice.startswith("-"):
            return "a voice may not begin with a dash: the command would take it for an option"
        return ""

    def speak(self, text: str, voice: str, path: Path) -> None:
        """See `engines.SpeechEngine.speak`."""
        problem = self.voice_problem(voice)
        if problem:
            raise BadInputError(problem)
        with store_trouble("make a folder for speech in", path.parent), tempfile.TemporaryDirectory(dir=path.parent) as folder:
            sound = Path(folder) / "speech.wav"
            written = self._run(text, voice, Path(folder), sound)
            if written is not None:
                sound.write_bytes(written)
            if not sound.is_file() or sound.is_symlink() or not sound.stat().st_size:
                raise BadInputError("the speech command ended well but wrote no sound")
            os.replace(sound, path)  # noqa: PTH105 - as everywhere where a file gets its final name

    def _run(self, text: str, voice: str, folder: Path, sound: Path) -> bytes | None:
        """Run the command; return the sound if it is expected on standard output."""
        text_file = folder / "text.txt"
        text_file.write_text(text, encoding="utf-8")
        values = dict(zip(_PLACES, (str(text_file), voice, str(sound)), strict=True))
        command = [_filled(argument, values) for argument in self._arguments]
        uses = {place for place in _PLACES if any(place in argument for argument in self._arguments)}
        stdin = b"" if "{text_file}" in uses else text.encode("utf-8")
        limit_s = _LEAST_LIMIT_S + _LIMIT_S_PER_CHARACTER * len(text)
        heard = run_limited(command, stdin, limit_s=limit_s, name="the speech command")
        return None if "{out}" in uses else heard

    def close(self) -> None:
        """See `engines.SpeechEngine.close`."""


def _filled(argument: str, values: dict[str, str]) -> str:
    for place, value in values.items():
        argument = argument.replace(place, value)
    return argument
