"""Finding one frame in the tar of a long recording without walking through it.

Frames are about equally large and their names are in order, so where a frame lies can be guessed, and what lies there says how to guess
better: a few reads of a quarter of a megabyte instead of all headers, which on S3 would be the whole file.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.dataset.staging import FRAMES_TAR
from pipelines.dataset.tar_members import BLOCK_BYTES, Member, parse_member
from storage_schemas.errors import StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family, PartRecording, part_path

_WINDOW_BYTES = 2**18
_MAGIC = b"ustar"
_MAGIC_AT = 257
_IMAGE_NAME = re.compile(r"(?P<clip>[0-9a-f]+)-(?P<frame>[0-9]{6})\.jpg")


@dataclass(frozen=True)
class _Bracket:
    """The frame looked for lies between two bytes; `first` and `last` are the ordinals that frames there can have."""

    low: int
    high: int
    first: int
    last: int

    def guess(self, ordinal: int, window_bytes: int) -> int:
        """Return where a window should begin in order to have the frame near its middle."""
        share = (ordinal - self.first) / (self.last - self.first + 1)
        start = self.low + int(share * (self.high - self.low)) - window_bytes // 2
        return max(self.low, min(start, self.high - window_bytes)) // BLOCK_BYTES * BLOCK_BYTES


def read_frame_jpeg(store: ObjectStore, part_key: str, recording: PartRecording, clip_key: str, frame_index: int) -> bytes:
    """Return the JPEG bytes of one frame.

    Args:
        store: where the part is.
        part_key: of the frames part.
        recording: its entry in the part's index.
        clip_key: one of its clips.
        frame_index: number of the frame in the clip.

    Raises:
        StoreError: the tar cannot be read, or does not hold the frame.
    """
    path = f"{part_path(Family.FRAMES, part_key)}/{FRAMES_TAR}"
    first_ordinals = _first_ordinals(recording)
    wanted = first_ordinals[clip_key] + frame_index
    begin, size = recording.tar_bytes.start, recording.tar_bytes.count
    bracket = _Bracket(begin, begin + size, 0, sum(item.clip.frames for item in recording.clips) - 1)
    window_bytes = _WINDOW_BYTES
    while bracket.low < bracket.high:
        start = bracket.guess(wanted, window_bytes)
        found = {_ordinal(member, first_ordinals): member for member in _images(store.read_range(path, start, window_bytes), start)}
        if wanted in found:
            return store.read_range(path, found[wanted].data_start, found[wanted].size_bytes)
        narrowed = _narrowed(bracket, found, wanted)
        if narrowed == bracket:
            # Not one header lay in the window (a huge picture), or the same ones again.
            if window_bytes >= size:
                break
            window_bytes *= 4
        bracket = narrowed
    msg = f"{store.uri}/{path}: expected frame {frame_index} of clip {clip_key} between bytes {begin} and {begin + size}, found none"
    raise StoreError(f"{msg}; run `flowvqtalker dataset verify`")


def _first_ordinals(recording: PartRecording) -> dict[str, int]:
    """Return how many frames lie before each clip of a recording."""
    ordinals, before = {}, 0
    for item in recording.clips:
        ordinals[item.clip.clip_key] = before
        before += item.clip.frames
    return ordinals


def _narrowed(bracket: _Bracket, found: dict[int, Member], wanted: int) -> _Bracket:
    low, high, first, last = bracket.low, bracket.high, bracket.first, bracket.last
    for ordinal, member in found.items():
        if first <= ordinal < wanted:
            low, first = member.end, ordinal + 1
        elif wanted < ordinal <= last:
            high, last = member.data_start - BLOCK_BYTES, ordinal - 1
    return _Bracket(low, high, first, last)


def _ordinal(member: Member, first_ordinals: dict[str, int]) -> int:
    match = _IMAGE_NAME.fullmatch(member.name)
    return first_ordinals.get(match["clip"], -(10**9)) + int(match["frame"]) if match else -1


def _images(window: bytes, start: int) -> Iterator[Member]:
    """Yield the picture members whose headers lie in a window that begins at a block, in order."""
    for at in range(0, len(window) - BLOCK_BYTES + 1, BLOCK_BYTES):
        if window[at + _MAGIC_AT : at + _MAGIC_AT + len(_MAGIC)] != _MAGIC:
            continue
        try:
            member = parse_member(window[at : at + BLOCK_BYTES], start + at)
        except (tarfile.HeaderError, UnicodeDecodeError):
            continue  # a picture's bytes that look like a header
        if _IMAGE_NAME.fullmatch(member.name):
            yield member
