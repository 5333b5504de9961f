"""What pure code may ask of a store; `infra.object_store` has the local and S3 implementations, which take relative paths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol


class ObjectStore(Protocol):
    """A place for objects with paths like ``versions/ab12/manifest.json``; every method raises StoreError on I/O trouble."""

    uri: str

    def exists(self, path: str) -> bool:
        """Say whether an object (a file, not a folder) is there."""
        ...

    def read_bytes(self, path: str) -> bytes:
        """Return a whole object; FileNotFoundError if it is not there."""
        ...

    def read_range(self, path: str, start: int, count: int) -> bytes:
        """Return up to `count` bytes from `start` (negative: from the end), fewer where the object ends; FileNotFoundError if missing."""
        ...

    def open(self, path: str) -> BinaryIO:
        """Open an object for reading; seekable."""
        ...

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write or replace an object atomically: readers see the old or the new one, never a piece."""
        ...

    def publish_file(self, local: Path, path: str) -> None:
        """Move a local file to its final path atomically; the local file is gone afterwards."""
        ...

    def publish_folder(self, local: Path, path: str, last: str) -> None:
        """Move a local folder to its final path; the file named `last` appears last; if it is already there, keep the old one."""
        ...

    def fetch_folder(self, path: str, local: Path) -> None:
        """Copy (or, where that is safe, link) every object under a path into a local folder."""
        ...

    def list_objects(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield (path, size in bytes) of every object under a prefix, sorted by path."""
        ...

    def list_folders(self, prefix: str) -> list[str]:
        """Return the sorted names of the direct sub-folders of a prefix."""
        ...

    def modified_s(self, path: str) -> float:
        """Return when an object was last written, in seconds since 1970; FileNotFoundError if it is not there."""
        ...

    def delete(self, path: str) -> None:
        """Remove one object; nothing happens if it is not there."""
        ...

    def delete_folder(self, path: str) -> None:
        """Remove everything under a path."""
        ...

    def scratch_folder(self) -> Path:
        """Return a local folder for temporary files, on the same file system as a local store so that renames are atomic."""
        ...
