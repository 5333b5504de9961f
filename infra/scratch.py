"""Scratch folders of processes: private, cleaned up at exit, and recognisably stale after a crash.

Each process owns ``<root>/<pid>-<random>/`` and holds an advisory lock on ``<root>/<pid>-<random>.lock`` as long as it lives. The kernel
drops the lock when the process dies, however it dies, so "stale" needs no process table: it is right across containers and hosts that
share the root, and when process ids are reused.
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import logging
import os
import re
import secrets
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

_LOGGER = logging.getLogger(__name__)
_NAME = re.compile(r"^\d+-[0-9a-f]{12}$")
_LOCKS_UNSUPPORTED = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}


@dataclass(frozen=True)
class _Claim:
    folder: Path
    lock_file: Path
    descriptor: int
    process_id: int


class ScratchArea:
    """The scratch folder of this process below a root that other processes use too.

    Nothing is made on the disk before the first folder is asked for. Safe to use from several threads; a forked child gets a folder
    of its own and leaves its parent's alone.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._claim: _Claim | None = None
        self._guard = threading.Lock()

    def folder(self) -> Path:
        """Return this process's own folder, made on first use.

        Raises:
            OSError: it cannot be made.
        """
        with self._guard:
            if self._claim is None or self._claim.process_id != os.getpid():
                self._claim = self._claimed()
                atexit.register(self.close)
            return self._claim.folder

    def new_folder(self) -> Path:
        """Return a new, empty folder inside `folder`."""
        path = self.new_path()
        path.mkdir()
        return path

    def new_path(self) -> Path:
        """Return a path inside `folder` at which nothing is."""
        return self.folder() / secrets.token_hex(8)

    def close(self) -> None:
        """Remove this process's folder; a later use makes a new one."""
        with self._guard:
            claim, self._claim = self._claim, None
        atexit.unregister(self.close)
        if claim is None or claim.process_id != os.getpid():
            return
        _remove(claim.folder, claim.lock_file)
        os.close(claim.descriptor)

    def remove_stale(self) -> int:
        """Remove the folders of processes that are gone; return how many.

        Folders whose owner lives, that cannot be removed, or on file systems without locks are left.
        """
        own = self._claim.folder.name if self._claim else ""
        try:
            names = sorted({entry.name.removesuffix(".lock") for entry in self.root.iterdir()})
        except OSError:
            return 0
        return sum(self._remove_if_stale(name) for name in names if _NAME.match(name) and name != own)

    def _claimed(self) -> _Claim:
        self.root.mkdir(parents=True, exist_ok=True)
        while True:
            name = f"{os.getpid()}-{secrets.token_hex(6)}"
            lock_file = self.root / f"{name}.lock"
            descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            if _lock(descriptor) is not False and _is_same_file(descriptor, lock_file):
                folder = self.root / name
                folder.mkdir()
                return _Claim(folder, lock_file, descriptor, os.getpid())
            os.close(descriptor)  # a cleaner took the new file for a stale one

    def _remove_if_stale(self, name: str) -> bool:
        lock_file, folder = self.root / f"{name}.lock", self.root / name
        try:
            descriptor = os.open(lock_file, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            # An owner makes the lock before the folder and removes it after; without one nobody owns the folder.
            shutil.rmtree(folder, ignore_errors=True)
            return not folder.exists()
        except OSError:
            return False
        try:
            if not _lock(descriptor):
                return False
            _remove(folder, lock_file)
        finally:
            os.close(descriptor)
        _LOGGER.info("removed the scratch folder of a process that is gone: %s", folder)
        return not folder.exists()


def _lock(descriptor: int) -> bool | None:
    """Try to take the lock: True if taken, False if another process holds it, None if the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _LOCKS_UNSUPPORTED:
            return None
        raise
    return True


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _remove(folder: Path, lock_file: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        lock_file.unlink(missing_ok=True)
