from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from pipelines.speech.limited_process import run_limited
from storage_schemas.errors import BadInputError


def test_a_program_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    program = "import subprocess,sys,time,pathlib; p=subprocess.Popen([sys.executable,'-c','import time; time.sleep(60)']); "
    program += f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(p.pid)); time.sleep(60)"
    started = time.perf_counter()

    with pytest.raises(BadInputError, match="took longer than 2 s"):
        run_limited([sys.executable, "-c", program], b"", limit_s=2.0, name="it")

    assert time.perf_counter() - started < 10
    child = int((tmp_path / "pid").read_text())
    # A killed process is gone some moments after the signal.
    assert any(_is_gone(child) or time.sleep(0.05) for _ in range(100))


def test_a_program_that_reads_nothing_is_no_trouble() -> None:
    assert run_limited([sys.executable, "-c", "print('done')"], b"x" * 1_000_000, limit_s=30, name="it") == b"done\n"


@pytest.mark.parametrize("command", [["/no/such/program"], [sys.executable, "-c", "bad\0argument"]])
def test_a_program_that_cannot_start_is_bad_input(command: list[str]) -> None:
    with pytest.raises(BadInputError, match="cannot be started"):
        run_limited(command, b"", limit_s=5, name="it")


def _is_gone(process: int) -> bool:
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
