"""Running somebody else's program: an argument list without a shell, a text on its standard input, limits of time and output."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from storage_schemas.errors import BadInputError

MOST_OUTPUT_BYTES = 2**30
_SHOWN_BYTES = 2000


def run_limited(command: Sequence[str], text: bytes, *, limit_s: float, name: str, folder: Path | None = None) -> bytes:
    """Run a program in a process group of its own and return what it wrote to its standard output.

    Args:
        command: program and arguments.
        text: its standard input.
        limit_s: wall-clock seconds, after which it and its children are killed.
        name: how messages call it.
        folder: its working directory; None: the present one.

    Raises:
        BadInputError: it cannot be started, fails, or passes a limit.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as trouble:
        try:
            process = subprocess.Popen(  # noqa: S603 - an argument list, never a shell
                command, stdin=subprocess.PIPE, stdout=out, stderr=trouble, cwd=folder, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise BadInputError(f"{name} cannot be started: {error}") from error
        try:
            process.communicate(text, timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            raise BadInputError(f"{name} took longer than {limit_s:.0f} s for {len(text)} bytes of text") from error
        finally:
            _end_group(process)
        if process.returncode != 0:
            raise BadInputError(f"{name} failed with status {process.returncode}: {_last_line(trouble.fileno())}")
        if out.seek(0, os.SEEK_END) > MOST_OUTPUT_BYTES:
            raise BadInputError(f"{name} wrote more than {MOST_OUTPUT_BYTES} bytes")
        out.seek(0)
        return out.read()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever is left of the process and its children."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(file: int) -> str:
    size = os.fstat(file).st_size
    lines = os.pread(file, _SHOWN_BYTES, max(0, size - _SHOWN_BYTES)).decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing about it"
