"""Reading frames back out of a part's tar, front to back, clip by clip."""

from __future__ import annotations

import itertools
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from storage_schemas.errors import StoreError

_BLOCK_BYTES = 2**20


@contextmanager
def _damage_explained() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        msg = f"a frames tar cannot be read: {error}; run `dataset verify`"
        raise StoreError(msg) from error


def _members(source: BinaryIO) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Yield the members of a tar and their content in order, in one pass and without remembering them."""
    with tarfile.open(fileobj=source, mode="r|", bufsize=_BLOCK_BYTES) as tar:
        while (member := tar.next()) is not None:
            yield member, tar.extractfile(member)
            tar.members = []  # type: ignore[attr-defined]  # it would remember every member


def copy_clips(source: BinaryIO, target: Path, frames: Mapping[str, int]) -> None:
    """Copy the samples of some clips from a frames tar into a new one, unchanged and in order.

    Args:
        source: the tar.
        target: the file to write.
        frames: the number of frames of each clip, by clip key.

    Raises:
        StoreError: if the tar is damaged or does not hold the clips.
    """
    found = dict.fromkeys(frames, 0)
    with _damage_explained(), tarfile.open(target, "w", format=tarfile.USTAR_FORMAT) as tar:
        for member, content in _members(source):
            key = clip_key_of(member.name)
            if key in found:
                tar.addfile(member, content)
                found[key] += member.name.endswith(".jpg")
    _check_complete(frames, found)


def clip_images(source: BinaryIO, frames: Mapping[str, int]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield (clip key, its JPEGs) for some clips of a frames tar, in the order of the tar.

    The images of a clip are read from the tar as they are asked for; going on to the next clip skips the rest of them.

    Raises:
        StoreError: if the tar is damaged or does not hold the clips.
    """
    found = dict.fromkeys(frames, 0)
    for key, images in itertools.groupby(_wanted_images(source, found), key=lambda item: item[0]):
        yield key, (image for _, image in images)
    _check_complete(frames, found)


def _wanted_images(source: BinaryIO, found: dict[str, int]) -> Iterator[tuple[str, bytes]]:
    with _damage_explained():
        for member, content in _members(source):
            key = clip_key_of(member.name)
            if key in found and content is not None and member.name.endswith(".jpg"):
                found[key] += 1
                yield key, content.read()


def clip_key_of(member_name: str) -> str:
    """Return the clip key in the name of a member: what stands before its last dash."""
    return member_name.rpartition("-")[0]


def _check_complete(wanted: Mapping[str, int], found: Mapping[str, int]) -> None:
    for key, count in wanted.items():
        if found[key] != count:
            msg = f"a frames tar should hold {count} images of clip {key}, found {found[key]}; run `dataset verify`"
            raise StoreError(msg)
