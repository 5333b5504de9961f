"""A tiny file system in memory, for tests of full and read-only disks."""

from __future__ import annotations

import ctypes
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_READ_ONLY, _REMOUNT, _DETACH = 1, 32, 2


@contextmanager
def tiny_file_system(size: str = "1m") -> Iterator[Path]:
    """Mount a file system of a size; skips the test where this user may not mount one."""
    folder = Path(tempfile.mkdtemp())
    if sys.platform != "linux" or _mount(folder, 0, f"size={size}") != 0:
        folder.rmdir()
        pytest.skip("this user may not mount file systems")
    try:
        yield folder
    finally:
        ctypes.CDLL(None).umount2(bytes(folder), _DETACH)
        shutil.rmtree(folder)


def make_read_only(folder: Path) -> None:
    """Mount a tiny file system again, read-only; nothing on it may be open for writing."""
    assert _mount(folder, _REMOUNT | _READ_ONLY, "") == 0


def _mount(folder: Path, flags: int, options: str) -> int:
    return int(ctypes.CDLL(None, use_errno=True).mount(b"tmpfs", bytes(folder), b"tmpfs", flags, options.encode()))
