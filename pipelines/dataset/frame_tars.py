"""Walking the members of a recording's frames, in a staged tar or inside a part's."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from pipelines.dataset.tar_members import BLOCK_BYTES, END_OF_ARCHIVE, Member, parse_member
from storage_schemas.clips import Clip
from storage_schemas.errors import BuildFailedError
from storage_schemas.part_layout import frame_name

IMAGE_SUFFIX = ".jpg"
RECORD_SUFFIX = ".json"


def member_names(clips: Iterable[Clip]) -> Iterator[str]:
    """Yield the names of all members of some clips' frames, in order."""
    for clip in clips:
        for index in range(clip.frames):
            name = frame_name(clip.clip_key, index)
            yield name + IMAGE_SUFFIX
            yield name + RECORD_SUFFIX


def expected_members(stream: BinaryIO, names: Iterable[str], start: int, where: str) -> Iterator[Member]:
    """Yield the members that stand in a tar from a byte on; only headers are read, the stream is moved.

    Args:
        stream: seekable; between two members the caller may move it.
        names: that must be found, in order.
        start: byte of the first header.
        where: what to call the tar in messages.

    Raises:
        BuildFailedError: another member, or none, is found.
    """
    position = start
    for name in names:
        stream.seek(position)
        try:
            member = parse_member(stream.read(BLOCK_BYTES), position)
        except (tarfile.HeaderError, UnicodeDecodeError) as error:
            msg = f"{where}: expected member {name} at byte {position}, found no tar header ({error})"
            raise BuildFailedError(msg) from error
        if member.name != name:
            msg = f"{where}: expected member {name} at byte {position}, found {member.name!r}"
            raise BuildFailedError(msg)
        yield member
        position = member.end


def staged_members(stream: BinaryIO, clips: Sequence[Clip], where: str) -> Iterator[Member]:
    """Yield the members of a staged tar, which must hold the frames of the clips and nothing more.

    Raises:
        BuildFailedError: it does not.
    """
    end = 0
    for member in expected_members(stream, member_names(clips), 0, where):
        yield member
        end = member.end
    stream.seek(end)
    if stream.read(len(END_OF_ARCHIVE) + 1) != END_OF_ARCHIVE:
        msg = f"{where}: expected the end of the archive at byte {end}, after the last frame of the outcome"
        raise BuildFailedError(msg)


def last_byte(members: Iterable[Member]) -> int:
    """Go through members and return where the last ends; 0 if there is none."""
    end = 0
    for member in members:
        end = member.end
    return end
