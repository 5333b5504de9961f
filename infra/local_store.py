"""A store in a local (or mounted) folder. Whatever is published appears by one rename, so readers see all of it or nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from infra.managed_store import ManagedStore
from infra.scratch import ScratchArea
from infra.store_paths import SCRATCH_FOLDER, checked_path, checked_prefix
from storage_schemas.errors import StoreError
from storage_schemas.store_trouble import store_trouble

_PROBE_BYTES = 64 * 1024
_ATTEMPTS = 20
_OCCUPIED = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}


class LocalObjectStore(ManagedStore):
    """Objects are files below one folder; ``scratch/`` in it holds what is not published yet.

    Args:
        root: the folder; made on the first write.
        fsync: whether files are forced to the disk before they are published, so that a power cut cannot leave them empty.
    """

    def __init__(self, root: Path, *, fsync: bool = True) -> None:
        self.root = root.expanduser().absolute()
        self._fsync = fsync
        super().__init__(str(self.root), ScratchArea(self.root / SCRATCH_FOLDER))

    def exists(self, path: str) -> bool:
        """Say whether a file is there."""
        with store_trouble("look for", self._locate(path)):
            return self._locate(path).is_file()

    def read_bytes(self, path: str) -> bytes:
        """Return a whole file; FileNotFoundError if it is not there."""
        with store_trouble("read", self._locate(path), missing_is_trouble=False):
            return self._locate(path).read_bytes()

    def read_range(self, path: str, start: int, count: int) -> bytes:
        """Return up to `count` bytes from `start` (negative: from the end); FileNotFoundError if it is not there."""
        with store_trouble("read", self._locate(path), missing_is_trouble=False), self._locate(path).open("rb", buffering=0) as stream:
            size = os.fstat(stream.fileno()).st_size
            begin = min(start, size) if start >= 0 else max(0, size + start)
            stream.seek(begin)
            return _read_fully(stream, min(count, size - begin))

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading; FileNotFoundError if it is not there."""
        with store_trouble("read", self._locate(path), missing_is_trouble=False):
            return self._locate(path).open("rb")

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write or replace a file atomically."""
        target = self._locate(path)
        with store_trouble("write", target):
            temporary = self._scratch.new_path()
            try:
                with temporary.open("xb") as stream:
                    stream.write(data)
                    self._flush(stream)
                self._replace(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)

    def publish_file(self, local: Path, path: str) -> None:
        """Move a local file to its final path atomically, from any file system."""
        target = self._locate(path)
        with store_trouble("publish", target):
            if self._fsync:
                _sync(local)
            try:
                self._replace(local, target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                self._replace(self._copied(local), target)
                local.unlink()

    def publish_folder(self, local: Path, path: str, last: str) -> None:
        """Move a folder to its final path by one rename; where a whole one is already, that is kept and `local` is removed."""
        target = self._locate(path)
        if not (local / last).is_file():
            msg = f"cannot publish {local} as {target}: it has no {last}, so it is not whole"
            raise StoreError(msg)
        with store_trouble("publish", target):
            if self._fsync:
                _sync_tree(local)
            if not self._same_device(local):
                local = self._copied_tree(local)
            self._rename_folder(local, target, last)

    def fetch_folder(self, path: str, local: Path) -> None:
        """Copy everything under a path into a local folder (made if it is not there).

        Into this store's own scratch the files are linked, not copied: read them, do not change them.

        Raises:
            FileNotFoundError: nothing is there, or it goes away meanwhile.
        """
        source = self._locate(path)
        link = local.absolute().is_relative_to(self._scratch.root)
        with store_trouble("copy", source, missing_is_trouble=False), _unmoved(source):
            if not _copy_tree(source, local, link=link):
                msg = f"nothing is at {source}"
                raise FileNotFoundError(msg)

    def list_objects(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield (path, size in bytes) of every file under a folder, in the order of the paths' characters, as S3 does."""
        prefix = checked_prefix(prefix)
        with store_trouble("list", self.root / prefix):
            yield from _walk(self.root / prefix, f"{prefix}/" if prefix else "")

    def list_folders(self, prefix: str) -> list[str]:
        """Return the sorted names of the direct sub-folders of a folder; none if it is not there."""
        prefix = checked_prefix(prefix)
        with store_trouble("list", self.root / prefix):
            names = [name for name, is_folder, _ in _entries(self.root / prefix) if is_folder]
        return sorted(name for name in names if prefix or name != SCRATCH_FOLDER)

    def modified_s(self, path: str) -> float:
        """Return when a file was last written, in seconds since 1970; FileNotFoundError if it is not there."""
        with store_trouble("look for", self._locate(path), missing_is_trouble=False):
            return self._locate(path).stat().st_mtime

    def delete(self, path: str) -> None:
        """Remove one file, and the folders it leaves empty."""
        target = self._locate(path)
        with store_trouble("remove", target):
            target.unlink(missing_ok=True)
        self._prune(target.parent)

    def delete_folder(self, path: str) -> None:
        """Remove a folder: it disappears by one rename, then its files are removed."""
        target = self._locate(path)
        with store_trouble("remove", target):
            self._set_aside(target)
        self._prune(target.parent)

    def check_writable(self) -> None:
        """Write, force to the disk and remove a file of 64 KiB.

        Raises:
            StoreError: the folder cannot be made or written; says why.
        """
        with store_trouble("write to the store", self.root):
            probe = self._scratch.new_path()
            try:
                with probe.open("xb") as stream:
                    stream.write(bytes(_PROBE_BYTES))
                    stream.flush()
                    os.fsync(stream.fileno())
            finally:
                probe.unlink(missing_ok=True)

    def _locate(self, path: str) -> Path:
        return self.root / checked_path(path)

    def _flush(self, stream: BinaryIO) -> None:
        if self._fsync:
            stream.flush()
            os.fsync(stream.fileno())

    def _replace(self, source: Path, target: Path) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)
            except (FileNotFoundError, FileExistsError):
                self._check_pruned(source, target, attempt)
            else:
                break
        if self._fsync:
            _sync(target.parent)

    def _rename_folder(self, local: Path, target: Path, last: str) -> None:
        for attempt in range(_ATTEMPTS):
            if (target / last).is_file():
                shutil.rmtree(local)
                return
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                local.rename(target)
            except OSError as error:
                if error.errno not in _OCCUPIED | {errno.ENOENT}:
                    raise
                self._check_pruned(local, target, attempt)
                if error.errno in _OCCUPIED and target.exists() and not (target / last).is_file():
                    self._set_aside(target)  # what a power cut or a person left of an earlier one
            else:
                break
        if self._fsync:
            _sync(target.parent)

    def _check_pruned(self, source: Path, target: Path, attempt: int) -> None:
        """Raise the current error again, unless it may be that another process just pruned an empty parent: then try again."""
        blocked = any(parent.exists() and not parent.is_dir() for parent in target.parents)
        if blocked or not source.exists() or attempt + 1 == _ATTEMPTS:
            raise  # noqa: PLE0704 - called while an error is handled

    def _set_aside(self, target: Path) -> None:
        aside = self._scratch.new_path()
        try:
            target.rename(aside)
        except FileNotFoundError:
            return
        shutil.rmtree(aside) if aside.is_dir() else aside.unlink()

    def _same_device(self, local: Path) -> bool:
        return local.stat().st_dev == self._scratch.folder().stat().st_dev

    def _copied(self, local: Path) -> Path:
        copy = self._scratch.new_path()
        shutil.copyfile(local, copy)
        if self._fsync:
            _sync(copy)
        return copy

    def _copied_tree(self, local: Path) -> Path:
        copy = self._scratch.new_path()
        shutil.copytree(local, copy, copy_function=shutil.copyfile)
        if self._fsync:
            _sync_tree(copy)
        shutil.rmtree(local)
        return copy

    def _prune(self, folder: Path) -> None:
        while folder != self.root:
            try:
                folder.rmdir()
            except OSError:
                return
            folder = folder.parent


def _read_fully(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    while len(data) < count:  # an unbuffered read may stop short, e.g. above 2 GiB
        more = stream.read(count - len(data))
        if not more:
            break
        data += more
    return data


def _entries(folder: Path) -> Iterator[tuple[str, bool, int]]:
    """Yield (name, is a folder, size) of what is in a folder; nothing if it is not there, and not what goes away meanwhile."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                yield entry.name, entry.is_dir(follow_symlinks=False), entry.stat(follow_symlinks=False).st_size


@contextlib.contextmanager
def _unmoved(folder: Path) -> Iterator[None]:
    """Raise FileNotFoundError if the folder was removed during the block, even if another one is at its path by then."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)  # as long as it is open, no other folder gets its inode number
    try:
        yield
        if not os.path.samestat(os.fstat(descriptor), folder.stat()):
            msg = f"{folder} was removed while it was read"
            raise FileNotFoundError(msg)
    finally:
        os.close(descriptor)


def _copy_tree(source: Path, target: Path, *, link: bool) -> int:
    """Copy or link every file of a folder and return how many; FileNotFoundError as soon as one is missing."""
    with os.scandir(source) as scan:
        entries = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in scan)
    count = 0
    for name, is_folder in entries:
        if is_folder:
            count += _copy_tree(source / name, target / name, link=link)
            continue
        target.mkdir(parents=True, exist_ok=True)
        if not (link and _linked(source / name, target / name)):
            shutil.copyfile(source / name, target / name)
        count += 1
    return count


def _linked(source: Path, target: Path) -> bool:
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:  # the file system has no links, or allows no more
        return False
    return True


def _walk(folder: Path, path: str) -> Iterator[tuple[str, int]]:
    # The slash takes part in the order: "a-b" sorts before "a/b", as in a flat list of paths.
    for name, is_folder, size in sorted(_entries(folder), key=lambda entry: entry[0] + "/" if entry[1] else entry[0]):
        if not is_folder:
            yield path + name, size
        elif path or name != SCRATCH_FOLDER:
            yield from _walk(folder / name, f"{path}{name}/")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync folders
            raise
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            _sync(Path(parent, name))
        _sync(Path(parent))
