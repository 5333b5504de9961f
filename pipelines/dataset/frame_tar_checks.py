"""Checks of a frames tar in one streaming pass: member names and their order, image size, and the hash of every clip's images."""

from __future__ import annotations

import hashlib
import struct
import tarfile
from collections.abc import Iterator
from typing import Protocol

import orjson

from pipelines.dataset.problems import Check, ProblemList
from storage_schemas.part_layout import PartClip, PartIndex, frame_name

_MARKERS_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xDA)})
_NOT_FRAME_HEADERS = frozenset({0xC4, 0xC8, 0xCC})  # Huffman tables, reserved, arithmetic coding: between the frame headers C0 to CF


class ByteSource(Protocol):
    """Something with a `read`; a tar is read from it front to back."""

    def read(self, count: int = ..., /) -> bytes:
        """Return up to `count` bytes, none at the end."""
        ...


def check_frames_tar(source: ByteSource, where: str, index: PartIndex, size_px: int, problems: ProblemList) -> None:
    """Check a frames tar against the index of its part.

    Args:
        source: the tar, at its beginning.
        where: its path, for messages.
        index: which clips it should hold, in which order, with which hashes.
        size_px: side of every image; the first and the last image of each clip are looked at.
        problems: receives what is wrong.
    """
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:  # type: ignore[call-overload]  # it only reads
            members = _members(tar)
            for recording in index.recordings:
                for clip in recording.clips:
                    if not _check_clip(members, where, clip, size_px, problems):
                        return
            extra = next(members, None)
            if extra is not None:
                problems.add(Check.FRAMES, where, f"expected nothing after the last clip, found member {extra[0]!r}")
    except tarfile.TarError as error:
        problems.add(Check.FRAMES, where, f"expected a tar, it cannot be read: {error}")


def _members(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    while (member := tar.next()) is not None:
        file = tar.extractfile(member) if member.isreg() else None
        yield member.name, file.read() if file else b""
        tar.members = []  # type: ignore[attr-defined]  # it would remember every member


def _check_clip(members: Iterator[tuple[str, bytes]], where: str, item: PartClip, size_px: int, problems: ProblemList) -> bool:
    """Check the members of one clip; False if the tar does not go on as it should, so that what follows cannot be checked."""
    clip = item.clip
    digest = hashlib.sha256()
    for number in range(clip.frames):
        name = frame_name(clip.clip_key, number)
        found = [next(members, ("the end of the tar", b"")) for _ in range(2)]
        if [member for member, _ in found] != [f"{name}.jpg", f"{name}.json"]:
            message = f"{where}: expected members {name}.jpg and .json of frame {number}, found {found[0][0]} and {found[1][0]}"
            problems.add(Check.FRAMES, clip.clip_id, message)
            return False
        digest.update(found[0][1])
        if number in (0, clip.frames - 1):
            _check_frame(clip.clip_id, name, found[0][1], found[1][1], size_px, problems)
    if digest.hexdigest() != item.hashes.frames:
        problems.add(Check.CLIP_HASH, clip.clip_id, f"{where}: expected images with SHA-256 {item.hashes.frames}, found another")
    return True


def _check_frame(clip_id: str, name: str, image: bytes, metadata: bytes, size_px: int, problems: ProblemList) -> None:
    found = jpeg_size(image)
    if found != (size_px, size_px):
        problems.add(Check.FRAMES, clip_id, f"{name}.jpg: expected a JPEG of {size_px} x {size_px} pixels, found {found or 'no JPEG'}")
    try:
        orjson.loads(metadata)
    except orjson.JSONDecodeError as error:
        problems.add(Check.FRAMES, clip_id, f"{name}.json: expected JSON, found {error}")


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return (width, height) in pixels as the frame header of a JPEG says, without decoding; None if it is not a JPEG."""
    if data[:2] != b"\xff\xd8":
        return None
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF or marker in _MARKERS_WITHOUT_LENGTH:
            position += 1 if marker == 0xFF else 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NOT_FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        position += 2 + struct.unpack_from(">H", data, position + 2)[0]
    return None
