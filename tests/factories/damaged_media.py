"""Files that a build must turn away, each with the reasons that are right for it; damage is deterministic."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from storage_schemas.rejections import RejectionReason
from tests.factories.synthetic_video import write_flash_and_beep, write_tone


@dataclass(frozen=True)
class HostileFile:
    """A file and the reasons any of which is a right one."""

    path: Path
    reasons: frozenset[RejectionReason]


def truncate(source: Path, target: Path, share: float) -> None:
    """Write the first `share` of a file."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])


def zero_tail(source: Path, target: Path, share: float) -> None:
    """Write a file whose bytes after `share` are zeros, as an interrupted download into a reserved file leaves it."""
    data = source.read_bytes()
    kept = int(len(data) * share)
    target.write_bytes(data[:kept] + bytes(len(data) - kept))


def flip_bits(source: Path, target: Path, count: int, seed: int, *, first_byte: int = 0, last_byte: int | None = None) -> None:
    """Write a file with `count` bits flipped between two byte positions."""
    data = bytearray(source.read_bytes())
    generator = np.random.default_rng(seed)
    for position in generator.integers(first_byte, last_byte or len(data), count):
        data[position] ^= 1 << int(generator.integers(8))
    target.write_bytes(bytes(data))


def patch_bytes(source: Path, target: Path, after: bytes, offset: int, new: bytes) -> None:
    """Write a file with `new` in place of the bytes at `offset` behind the first occurrence of `after`."""
    data = bytearray(source.read_bytes())
    position = data.index(after) + len(after) + offset
    data[position : position + len(new)] = new
    target.write_bytes(bytes(data))


def claim_dimensions(source: Path, target: Path, width_px: int, height_px: int) -> None:
    """Make the headers of an mp4 claim other frame sides; the stream itself stays as it is."""
    patch_bytes(source, target, b"avc1", 24, struct.pack(">HH", width_px, height_px))
    patch_bytes(target, target, b"tkhd", 76, struct.pack(">II", width_px << 16, height_px << 16))


def claim_duration(source: Path, target: Path, factor: int) -> None:
    """Make the headers of an mp4 claim a duration `factor` times as long."""
    data = bytearray(source.read_bytes())
    for box, offset in ((b"mvhd", 16), (b"mdhd", 16), (b"tkhd", 20)):
        position = data.index(box) + 4 + offset
        duration = struct.unpack(">I", data[position : position + 4])[0]
        data[position : position + 4] = struct.pack(">I", min(duration * factor, 0xFFFFFFF0))
    target.write_bytes(bytes(data))


def write_cover_art_mp3(path: Path) -> None:
    """Write an mp3 with a picture attached, which demuxers show as a video stream."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream("libmp3lame", rate=48000, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 128, 128, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.VideoFrame.from_ndarray(np.full((128, 128, 3), 200, np.uint8), format="rgb24").reformat(format="yuvj420p")
        picture.pts = 0
        container.mux(cover.encode(picture))
        container.mux(cover.encode(None))
        tone = np.zeros((1, 48000), np.float32)
        for start in range(0, 48000, 1152):
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(tone[:, start : start + 1152]), format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))


def write_hostile_files(folder: Path) -> list[HostileFile]:
    """Fill a folder with one file of every kind that must be rejected at probing with default limits.

    Needs well under a second; includes links, a pipe and a folder named like videos.
    """
    made: list[HostileFile] = []

    def add(name: str, *reasons: RejectionReason) -> Path:
        made.append(HostileFile(folder / name, frozenset(reasons)))
        return folder / name

    reason = RejectionReason
    good = folder / "good_source.tmp.mp4"
    write_flash_and_beep(good, 25, 2.0)
    front = folder / "front_source.tmp.mp4"
    write_flash_and_beep(front, 25, 2.0, faststart=True)
    add("empty.mp4", reason.EMPTY_FILE).write_bytes(b"")
    add("text.mp4", reason.NOT_MEDIA).write_text("not a video\n" * 200)
    add("playlist.mp4", reason.NOT_MEDIA).write_text(f"#EXTM3U\n#EXTINF:2,\n{good}\n#EXT-X-ENDLIST\n")
    add("concat.mp4", reason.NOT_MEDIA).write_text(f"ffconcat version 1.0\nfile '{good}'\n")
    add("random.mp4", reason.NOT_MEDIA).write_bytes(np.random.default_rng(1).bytes(50_000))
    add("picture.mp4", reason.NOT_MEDIA).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    truncate(good, add("index_missing.mp4", reason.TRUNCATED_FILE), 0.6)
    truncate(front, add("half_downloaded.mp4", reason.TRUNCATED_FILE), 0.5)
    zero_tail(front, add("zero_tail.mp4", reason.TRUNCATED_FILE), 0.5)
    truncate(good, add("head_only.mp4", reason.TRUNCATED_FILE, reason.NOT_MEDIA), 0.002)
    patch_bytes(good, add("unknown_codec.mp4", reason.UNSUPPORTED_CODEC), b"stsd", 12, b"zzzz")
    write_flash_and_beep(add("no_sound.mp4", reason.NO_AUDIO_STREAM), 25, 2.0, audio=False)
    write_flash_and_beep(add("one_frame.mp4", reason.TOO_SHORT), 25, 0.04)
    write_flash_and_beep(add("tiny.mp4", reason.DIMENSIONS_OUT_OF_RANGE), 25, 1.0, size=(32, 32))
    write_flash_and_beep(add("five_fps.mp4", reason.FRAME_RATE_OUT_OF_RANGE), 5, 2.0)
    write_flash_and_beep(add("too_fast.mp4", reason.FRAME_RATE_OUT_OF_RANGE), 480, 0.5)
    write_tone(folder / "tone.wav", 1.0)
    (folder / "tone.wav").rename(add("sound_only.mp4", reason.NO_VIDEO_STREAM))
    write_cover_art_mp3(folder / "cover.mp3")
    (folder / "cover.mp3").rename(add("cover_art.mp4", reason.NO_VIDEO_STREAM))
    _add_special_files(add)
    good.unlink()
    front.unlink()
    return made


def _add_special_files(add: object) -> None:
    not_regular, missing = RejectionReason.NOT_A_REGULAR_FILE, RejectionReason.MISSING_SOURCE
    add("folder.mp4", not_regular).mkdir()  # type: ignore[operator]
    os.mkfifo(add("pipe.mp4", not_regular))  # type: ignore[operator]
    add("dangling.mp4", not_regular).symlink_to("nowhere.mp4")  # type: ignore[operator]
    add("loop.mp4", not_regular).symlink_to("loop.mp4")  # type: ignore[operator]
    add("device.mp4", not_regular).symlink_to("/dev/zero")  # type: ignore[operator]
    add("absent.mp4", missing)  # type: ignore[operator]
