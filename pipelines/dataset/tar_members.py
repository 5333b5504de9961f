"""Tar members as our archives hold them: plain files, ustar, no time and no owner, so that the same data give the same bytes."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass

BLOCK_BYTES = tarfile.BLOCKSIZE
END_OF_ARCHIVE = bytes(2 * BLOCK_BYTES)


@dataclass(frozen=True)
class Member:
    """One file of an archive.

    Attributes:
        name: of the file.
        data_start: where its data begin in the archive, in bytes.
        size_bytes: length of its data.
    """

    name: str
    data_start: int
    size_bytes: int

    @property
    def end(self) -> int:
        """Where the next header begins."""
        return self.data_start + self.size_bytes + padding_bytes(self.size_bytes)


def padding_bytes(size_bytes: int) -> int:
    """Return how many zero bytes follow data of a size."""
    return -size_bytes % BLOCK_BYTES


def member_header(name: str, size_bytes: int) -> bytes:
    """Return the 512-byte ustar header of a file: mode 0444, mtime 0, uid and gid 0, no owner names."""
    info = tarfile.TarInfo(name)
    info.size = size_bytes
    info.mode = 0o444
    return info.tobuf(tarfile.USTAR_FORMAT)


def parse_member(header: bytes, header_start: int) -> Member:
    """Parse a 512-byte header that stands at `header_start`.

    Raises:
        tarfile.HeaderError: it is not a header, or not that of a regular file.
    """
    info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")  # checks the checksum
    if not info.isreg():
        msg = f"member {info.name!r} is not a regular file"
        raise tarfile.HeaderError(msg)
    return Member(info.name, header_start + BLOCK_BYTES, info.size)
