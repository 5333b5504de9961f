"""How long a media file says it is: the sizes its own container structure declares, read without decoding anything.

Needed to tell a file whose end is missing from one that is merely strange. ISO base media (mp4, mov), RIFF (avi, wav) and EBML
(Matroska, WebM) declare their sizes; other formats do not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_ISO_BOX_TYPES = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"moof", b"sidx", b"uuid", b"meta", b"mfra"}
)
_RIFF_MEDIA = (b"AVI ", b"AVIX", b"WAVE")
"""Not WebP, cursors or palettes."""
_EBML_MAGIC = b"\x1a\x45\xdf\xa3"
_MATROSKA_SEGMENT = b"\x18\x53\x80\x67"
_MAX_BOXES = 1_000_000


@dataclass(frozen=True)
class ContainerLayout:
    """What the top-level structure of a file says.

    Attributes:
        kind: "iso", "riff", "ebml", or "" for anything else.
        size_bytes: size of the file.
        declared_bytes: size the structure declares; equal to `size_bytes` where nothing is declared.
        has_index: False for an ISO file whose index (`moov`) does not begin within the file.
    """

    kind: str
    size_bytes: int
    declared_bytes: int
    has_index: bool = True

    @property
    def missing_share(self) -> float:
        """Share of the declared bytes that the file lacks, 0..1."""
        return max(0.0, 1.0 - self.size_bytes / self.declared_bytes) if self.declared_bytes else 0.0


def read_layout(path: Path, size_bytes: int) -> ContainerLayout:
    """Read the top-level structure of a regular file.

    Args:
        path: the file.
        size_bytes: its size.

    Returns:
        Its layout; of kind "" if it is none of the formats known here.

    Raises:
        OSError: if the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(16)
        if head[4:8] in _ISO_BOX_TYPES:
            return _iso_layout(file, size_bytes)
        if head[:4] == b"RIFF" and any(form.startswith(head[8:12]) for form in _RIFF_MEDIA):
            return _riff_layout(head, size_bytes)
        if head[:4] == _EBML_MAGIC:
            return _ebml_layout(file, size_bytes)
    return ContainerLayout("", size_bytes, size_bytes)


def _iso_layout(file: BinaryIO, size_bytes: int) -> ContainerLayout:
    position = 0
    has_index = False
    for _ in range(_MAX_BOXES):
        file.seek(position)
        header = file.read(16)
        if len(header) < 8:
            break
        size, kind = struct.unpack(">I4s", header[:8])
        if size == 1 and len(header) == 16:
            size = struct.unpack(">Q", header[8:16])[0]
        if kind not in _ISO_BOX_TYPES and not has_index and position == 0:
            break
        has_index |= kind == b"moov"
        if size == 0:  # to the end of the file
            position = size_bytes
            break
        if size < 8:
            break
        position += size
        if position >= size_bytes:
            break
    return ContainerLayout("iso", size_bytes, max(position, size_bytes), has_index)


def _riff_layout(head: bytes, size_bytes: int) -> ContainerLayout:
    declared = struct.unpack("<I", head[4:8])[0] + 8 if len(head) >= 8 else size_bytes
    # Recorders that write to a stream leave 0 or the largest number here.
    unknown = declared in {8, 0xFFFFFFFF + 8}
    return ContainerLayout("riff", size_bytes, size_bytes if unknown else max(declared, size_bytes))


def _ebml_layout(file: BinaryIO, size_bytes: int) -> ContainerLayout:
    file.seek(4)
    header_size = _ebml_size(file)
    if header_size is None:
        return ContainerLayout("ebml", size_bytes, size_bytes)
    file.seek(file.tell() + header_size)
    if file.read(4) != _MATROSKA_SEGMENT:
        return ContainerLayout("ebml", size_bytes, size_bytes)
    segment_size = _ebml_size(file)
    declared = file.tell() + segment_size if segment_size is not None else size_bytes
    return ContainerLayout("ebml", size_bytes, max(declared, size_bytes))


def _ebml_size(file: BinaryIO) -> int | None:
    """Read a variable-length size; None if it is unknown (all ones) or the file ends."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        return None
    value = int.from_bytes(bytes([first[0] & ((1 << (8 - length)) - 1)]) + rest, "big")
    return None if value == (1 << (7 * length)) - 1 else value
