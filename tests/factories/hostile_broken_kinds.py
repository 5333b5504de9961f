"""Hostile files made from good ones: missing and changed bytes, and headers that lie."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from tests.factories import hostile_damage as damage
from tests.factories.damaged_media import claim_dimensions, claim_duration, flip_bits, patch_bytes, truncate, zero_tail
from tests.factories.hostile_kind import ANY_DAMAGE, BROKEN, OUT_OF_RANGE, SPOILED_PICTURES, Kind, Make, Reason, reasons, seed_from
from tests.factories.hostile_workshop import Workshop, share

# --- Missing and changed bytes ---


def _flip(box: bytes, count: int, *, index_first: bool) -> Make:
    def make(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
        damage.flip_bits_in(shop.base(index_first=index_first), path, box, count, seed_from(generator))

    return make


def _truncated(suffix: str = ".mp4", *, index_first: bool = False, fragmented: bool = False, low: float = 0.05) -> Make:
    def make(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
        truncate(shop.base(suffix, index_first=index_first, fragmented=fragmented), path, share(generator, low, 0.97))

    return make


def _filled(value: int) -> Make:
    def make(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
        first = share(generator, 0.0, 0.6)
        damage.fill_middle(shop.base(), path, first, first + share(generator, 0.2, 0.4), value)

    return make


def _flip_anywhere(suffix: str, count: int) -> Make:
    def make(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
        flip_bits(shop.base(suffix), path, count, seed_from(generator))

    return make


def _head_only(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
    path.write_bytes(shop.bytes_of()[: int(generator.integers(2, 64))])


def _garbage_before(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
    path.write_bytes(b"#!/bin/sh\ntouch pwned\nexit\n" + generator.bytes(int(generator.integers(1, 2000))) + shop.bytes_of())


DAMAGED = (
    Kind("truncated, index first", _truncated(index_first=True), BROKEN),
    Kind("truncated, index last", _truncated(), reasons(Reason.TRUNCATED_FILE, Reason.NOT_MEDIA)),
    Kind("truncated in its first 64 bytes", _head_only, reasons(Reason.TRUNCATED_FILE, Reason.NOT_MEDIA)),
    Kind("truncated fragments", _truncated(fragmented=True), BROKEN, may_be_accepted=True),
    Kind("truncated mkv", _truncated(".mkv"), BROKEN, suffix=".mkv"),
    Kind("truncated webm", _truncated(".webm"), BROKEN, suffix=".webm"),
    Kind("truncated avi", _truncated(".avi"), BROKEN, suffix=".avi"),
    # These do not say how long they are.
    Kind("truncated mpg", _truncated(".mpg"), BROKEN, may_be_accepted=True, suffix=".mpg"),
    Kind("truncated ts", _truncated(".ts"), BROKEN, may_be_accepted=True, suffix=".ts"),
    Kind("few bits flipped in ftyp", _flip(b"ftyp", 3, index_first=True), ANY_DAMAGE, may_be_accepted=True),
    Kind("few bits flipped in moov", _flip(b"moov", 4, index_first=True), ANY_DAMAGE, may_be_accepted=True),
    Kind("many bits flipped in moov", _flip(b"moov", 200, index_first=False), ANY_DAMAGE, may_be_accepted=True),
    Kind("few bits flipped in mdat", _flip(b"mdat", 3, index_first=True), ANY_DAMAGE, may_be_accepted=True),
    Kind("many bits flipped in mdat", _flip(b"mdat", 2000, index_first=False), ANY_DAMAGE),
    Kind("bits flipped in mkv", _flip_anywhere(".mkv", 40), ANY_DAMAGE, may_be_accepted=True, suffix=".mkv"),
    Kind("bits flipped in avi", _flip_anywhere(".avi", 40), ANY_DAMAGE, may_be_accepted=True, suffix=".avi"),
    Kind("bits flipped in mpg", _flip_anywhere(".mpg", 40), ANY_DAMAGE, may_be_accepted=True, suffix=".mpg"),
    Kind("bits flipped in ts", _flip_anywhere(".ts", 40), ANY_DAMAGE, may_be_accepted=True, suffix=".ts"),
    Kind("zeros in the middle", _filled(0), BROKEN | SPOILED_PICTURES),
    Kind("ones in the middle", _filled(255), BROKEN | SPOILED_PICTURES),
    Kind(
        "zeros to the end",
        lambda shop, path, generator: zero_tail(shop.base(index_first=True), path, share(generator, 0.2, 0.9)),
        BROKEN | SPOILED_PICTURES,
    ),
    Kind("script before the video", _garbage_before, BROKEN, may_be_accepted=True),
    Kind("two videos in one file", lambda shop, path, _: path.write_bytes(2 * shop.bytes_of()), BROKEN, may_be_accepted=True, most=1),
    Kind("two streams of one ts", lambda shop, path, _: path.write_bytes(2 * shop.bytes_of(".ts")), BROKEN, may_be_accepted=True, most=1),
)

# --- Headers and tables that lie ---

_SIDES = ((0, 0), (1, 1), (65535, 65535), (60000, 16), (16, 60000), (8193, 4), (3, 3), (257, 193))
_CLOCKS_HZ = (0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1000, 24)
_TICKS = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 100_000_000, 3, 0xFFFFFF00)
_EDITS = ((0, 0), (0xFFFFFFFF, 0xFFFFFFFF), (1, 0x7FFFFFFF), (0x80000000, 0), (1000, 0x80000000), (10, 10_000), (1, 0), (0, 0xFFFFFFFE))


def _one_of(values: tuple[object, ...], generator: np.random.Generator) -> object:
    return values[int(generator.integers(len(values)))]


def _claim_sides(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
    claim_dimensions(shop.base(), path, *_one_of(_SIDES, generator))  # type: ignore[misc]


def _claim_clock(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
    damage.claim_time_scale(shop.base(), path, _one_of(_CLOCKS_HZ, generator))  # type: ignore[arg-type]


def _claim_ticks(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
    damage.claim_ticks(shop.base(), path, _one_of(_TICKS, generator))  # type: ignore[arg-type]


def _claim_edit(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
    damage.claim_edit(shop.base(), path, *_one_of(_EDITS, generator))  # type: ignore[misc]


def _claim_samples(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
    samples = int(generator.integers(2**24, 2**31 - 1))
    damage.claim_many_samples(shop.base(), path, samples, int(generator.integers(2**16, 2**24)))


def _many_tracks(shop: Workshop, path: Path, _: np.random.Generator) -> None:
    data = shop.bytes_of()
    moov, end = damage.box_range(bytes(data), b"moov")
    trak, after = damage.box_range(bytes(data), b"trak")
    tracks = 5000 * data[trak:after]
    path.write_bytes(data[:moov] + struct.pack(">I4s", end - moov + len(tracks), b"moov") + data[moov + 8 : end] + tracks)


def _deep_boxes(_: Workshop, path: Path, __: np.random.Generator) -> None:
    boxes = b""
    for depth in range(4000):
        boxes = struct.pack(">I4s", len(boxes) + 8, b"moov" if depth % 2 else b"trak") + boxes
    path.write_bytes(struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + boxes)


def _many_boxes(shop: Workshop, path: Path, _: np.random.Generator) -> None:
    data = shop.bytes_of()
    path.write_bytes(data + 500_000 * struct.pack(">I4s", 8, b"free"))


def _unknown_codec(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
    patch_bytes(shop.base(), path, b"stsd", 12, _one_of((b"zzzz", b"\x00\x00\x00\x00", b"encv", b"text"), generator))  # type: ignore[arg-type]


def _absurd_sound(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
    channels, bits, rate_hz, rate_part = (int(value) for value in generator.integers(0, 65536, 4))
    patch_bytes(shop.base(), path, b"mp4a", 16, struct.pack(">HHIHH", channels, bits, 0, rate_hz, rate_part))


def _outside(shop: Workshop, path: Path, generator: np.random.Generator) -> None:
    damage.point_elsewhere(shop.base(), path, str(_one_of((shop.reference(path.parent), "/etc/passwd"), generator)))


LIES = (
    Kind("absurd sides claimed", _claim_sides, BROKEN | OUT_OF_RANGE, may_be_accepted=True),
    Kind(
        "absurd duration claimed",
        lambda shop, path, generator: claim_duration(shop.base(), path, int(generator.integers(1000, 10**7))),
        BROKEN | OUT_OF_RANGE,
        may_be_accepted=True,
    ),
    Kind("absurd clock claimed", _claim_clock, BROKEN | OUT_OF_RANGE, may_be_accepted=True),
    Kind("absurd frame times claimed", _claim_ticks, BROKEN | OUT_OF_RANGE, may_be_accepted=True),
    Kind("absurd edit claimed", _claim_edit, BROKEN | OUT_OF_RANGE, may_be_accepted=True),
    Kind("absurd number of frames claimed", _claim_samples, BROKEN | OUT_OF_RANGE | {Reason.MEMORY_LIMIT}),
    Kind("absurd display matrix", lambda shop, path, rng: damage.claim_matrix(shop.base(), path, rng), ANY_DAMAGE, may_be_accepted=True),
    Kind("absurd sound claimed", _absurd_sound, BROKEN | OUT_OF_RANGE, may_be_accepted=True),
    Kind("thousands of tracks", _many_tracks, BROKEN, most=1),
    Kind("tracks in tracks in tracks", _deep_boxes, BROKEN, most=1),
    Kind("half a million empty boxes", _many_boxes, BROKEN, may_be_accepted=True, most=1),
    Kind("unknown codec", _unknown_codec, reasons(Reason.UNSUPPORTED_CODEC, Reason.NO_VIDEO_STREAM), most=4),
    Kind("pictures in another file", _outside, BROKEN, most=3),
    Kind("damaged codec parameters", _flip(b"avcC", 12, index_first=False), ANY_DAMAGE, may_be_accepted=True),
)
