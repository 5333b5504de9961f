"""Damage to mp4 files beyond what `damaged_media` has: lying tables, boxes that point elsewhere, random bits in chosen places."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from tests.factories.damaged_media import flip_bits, patch_bytes

_OUTER_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref")


def box_range(data: bytes, kind: bytes) -> tuple[int, int]:
    """Return where the first box of a kind begins and ends."""
    start = data.index(kind) - 4
    return start, start + struct.unpack(">I", data[start : start + 4])[0]


def flip_bits_in(source: Path, target: Path, box: bytes, count: int, seed: int) -> None:
    """Flip bits inside one box of an mp4."""
    first, last = box_range(source.read_bytes(), box)
    flip_bits(source, target, count, seed, first_byte=first + 8, last_byte=last)


def fill_middle(source: Path, target: Path, first: float, last: float, value: int) -> None:
    """Overwrite the bytes between two shares of the media data of an mp4 with one value."""
    data = bytearray(source.read_bytes())
    start, end = box_range(bytes(data), b"mdat")
    begin, finish = (int(start + 8 + (end - start - 8) * share) for share in (first, last))
    data[begin:finish] = bytes([value]) * (finish - begin)
    target.write_bytes(bytes(data))


def claim_many_samples(source: Path, target: Path, samples: int, per_chunk: int) -> None:
    """Make an mp4's tables claim very many samples of one byte each, in chunks of very many."""
    patch_bytes(source, target, b"stts", 8, struct.pack(">I", samples))
    patch_bytes(target, target, b"stsz", 4, struct.pack(">II", 1, samples))
    patch_bytes(target, target, b"stsc", 12, struct.pack(">I", per_chunk))


def claim_ticks(source: Path, target: Path, delta: int) -> None:
    """Make every frame of an mp4 last `delta` ticks; 0 gives all frames one time."""
    patch_bytes(source, target, b"stts", 12, struct.pack(">I", delta))


def claim_time_scale(source: Path, target: Path, ticks_hz: int) -> None:
    """Change the clock of an mp4's video track; its times stay the same number of ticks."""
    patch_bytes(source, target, b"mdhd", 12, struct.pack(">I", ticks_hz))


def claim_edit(source: Path, target: Path, duration: int, media_time: int) -> None:
    """Change the first edit of an mp4."""
    patch_bytes(source, target, b"elst", 8, struct.pack(">II", duration, media_time))


def claim_matrix(source: Path, target: Path, generator: np.random.Generator) -> None:
    """Give an mp4 a random display matrix, which may be no rotation at all."""
    patch_bytes(source, target, b"tkhd", 40, generator.bytes(36))


def point_elsewhere(source: Path, target: Path, other: str) -> None:
    """Make an mp4 (index last) say that its pictures lie in another file, as QuickTime allows."""
    data = bytearray(source.read_bytes())
    name = other.encode()
    alias = bytes(10) + b"\x01v" + bytes(26) + bytes(12) + b"\x01x" + bytes(62) + bytes(16) + struct.pack(">HH", 1, 1) + bytes(16)
    alias += struct.pack(">HH", 2, len(name)) + name + bytes(len(name) % 2) + struct.pack(">HH", 0xFFFF, 0)
    entry = struct.pack(">I4sI", len(alias) + 12, b"alis", 0) + alias
    start = data.index(b"url ", data.index(b"dref")) - 4
    data[start : start + 12] = entry
    position = data.index(b"moov") - 4
    for box in _OUTER_BOXES:
        position = data.index(box, position) - 4
        size = struct.unpack(">I", data[position : position + 4])[0]
        data[position : position + 4] = struct.pack(">I", size + len(entry) - 12)
    target.write_bytes(bytes(data))
