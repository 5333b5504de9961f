"""Opening untrusted media: only regular files, only known containers, no other protocol, no metadata text."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from pipelines.container_layout import read_layout
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage

StreamT = TypeVar("StreamT", bound=Stream)

# Playlists, concatenation scripts and image sequences, which name other files, are not here, nor are raw streams without timestamps.
CONTAINER_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,asf,flv,ogg,mp3,wav,w64,flac,aac,aiff,caf,mxf"  # as FFmpeg's demuxers are named
)
TIMESTAMPED_FORMATS = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
"""Containers that store an exact time for every packet, so that a list of packets is a list of frames."""

_NOT_REAL_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


def require_regular_file(path: Path, stage: Stage = Stage.PROBE) -> int:
    """Check that a path leads to a readable, non-empty regular file, without ever opening anything that could block.

    Args:
        path: file to check; symbolic links are followed.
        stage: stage that a rejection names.

    Returns:
        Its size in bytes.

    Raises:
        ItemRejectedError: MISSING_SOURCE, NOT_A_REGULAR_FILE, UNREADABLE_FILE or EMPTY_FILE.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - Path.stat hides nothing more, and os.stat takes any bytes the name may hold
    except OSError as error:
        raise _unreachable(path, stage, error) from error
    except ValueError as error:
        raise ItemRejectedError(
            stage, RejectionReason.MISSING_SOURCE, f"expected a file, found a name that no file can have: {error}"
        ) from error
    if not stat.S_ISREG(status.st_mode):
        kind = _kind_of(status.st_mode)
        raise ItemRejectedError(stage, RejectionReason.NOT_A_REGULAR_FILE, f"expected a regular file, found a {kind}", {"kind": kind})
    if status.st_size == 0:
        raise ItemRejectedError(stage, RejectionReason.EMPTY_FILE, "expected a media file, found a file of 0 bytes", {"size_bytes": 0})
    return status.st_size


def _unreachable(path: Path, stage: Stage, error: OSError) -> ItemRejectedError:
    text = os.strerror(error.errno) if error.errno else type(error).__name__
    if os.path.islink(path):  # noqa: PTH114 - see above
        return ItemRejectedError(
            stage, RejectionReason.NOT_A_REGULAR_FILE, f"expected a regular file, found a symbolic link that leads nowhere: {text}"
        )
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return ItemRejectedError(stage, RejectionReason.MISSING_SOURCE, f"expected a file, found nothing at its path: {text}")
    return ItemRejectedError(stage, RejectionReason.UNREADABLE_FILE, f"the file cannot be examined: {text}")


def _kind_of(mode: int) -> str:
    kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "named pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}
    return kinds.get(stat.S_IFMT(mode), "special file")


def read_head(path: Path, size_bytes: int = 64) -> bytes:
    """Return the first bytes of a regular file.

    Raises:
        ItemRejectedError: UNREADABLE_FILE if the file cannot be opened or read.
    """
    try:
        with path.open("rb") as file:
            return file.read(size_bytes)
    except OSError as error:
        message = f"the file cannot be read: {os.strerror(error.errno) if error.errno else type(error).__name__}"
        raise ItemRejectedError(Stage.PROBE, RejectionReason.UNREADABLE_FILE, message) from error


def open_media(path: Path, *, max_side_px: int = 0) -> InputContainer:
    """Open a media file for demuxing; use as a context manager.

    Args:
        path: a regular file (see `require_regular_file`).
        max_side_px: refuse to decode pictures of more pixels than the square of this; 0: no limit.

    Returns:
        The open container; metadata text that is not UTF-8 is ignored.

    Raises:
        av.error.FFmpegError: if the bytes are of none of `CONTAINER_FORMATS`, or the header is damaged.
    """
    options = {"format_whitelist": CONTAINER_FORMATS, "protocol_whitelist": "file", "fflags": "+genpts"}
    if max_side_px:
        options["max_pixels"] = str(max_side_px**2)
    # An absolute path with its protocol: a name such as "concat:a|b" stays a name.
    return av.open(f"file:{os.path.abspath(path)}", options=options, metadata_errors="ignore")  # noqa: PTH100


def open_or_explain(path: Path, size_bytes: int, what: str, *, max_side_px: int = 0) -> InputContainer:
    """Open a media file that may be anything; as `open_media`, but for the error.

    Args:
        path: the file.
        size_bytes: its size, from `require_regular_file`.
        what: how messages name the file, e.g. "video" or "audio".
        max_side_px: see `open_media`.

    Raises:
        ItemRejectedError: it cannot be opened, see `explain_unopenable`.
    """
    try:
        return open_media(path, max_side_px=max_side_px)
    except (av.error.FFmpegError, ValueError) as error:
        raise explain_unopenable(path, size_bytes, error, what) from error


def error_text(error: BaseException) -> str:
    """Return FFmpeg's words for an error without the path, which must not get into stored messages."""
    if isinstance(error, av.error.UndefinedError) or (isinstance(error, av.error.PermissionError) and error.errno == errno.EPERM):
        return "FFmpeg gives no reason"  # decoders that fail with -1 or a number of their own, which reads as a permission
    if isinstance(error, av.error.FFmpegError) and error.strerror:
        return error.strerror
    return type(error).__name__


def stream_kinds(container: InputContainer) -> str:
    """Return what kinds of streams a container has, for messages: "audio, cover art" or "none"."""
    kinds = {"cover art" if stream.disposition & _NOT_REAL_VIDEO else stream.type for stream in container.streams}
    return ", ".join(sorted(kinds)) or "none"


def choose_video_stream(container: InputContainer) -> VideoStream | None:
    """Return the stream that holds the film: the default one, else the first; cover art and thumbnails are none."""
    streams = [stream for stream in container.streams.video if not stream.disposition & _NOT_REAL_VIDEO]
    return next((stream for stream in streams if stream.disposition & Disposition.default), streams[0] if streams else None)


def choose_audio_stream(container: InputContainer) -> AudioStream | None:
    """Return the sound track: the default one, else the first."""
    streams = list(container.streams.audio)
    return next((stream for stream in streams if stream.disposition & Disposition.default), streams[0] if streams else None)


def read_packets(container: InputContainer, stream: StreamT, problems: list[str]) -> Iterator[Packet[StreamT]]:
    """Yield the packets of one stream, then its flushing packet, without reading the others where the container allows that.

    Args:
        container: open container, at the position to read from.
        stream: stream wanted.
        problems: FFmpeg's words are appended if reading stops before the end.
    """
    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
    try:
        yield from container.demux(stream)  # type: ignore[misc] # the stub knows of no generic streams
    except IndexError:
        # After the wanted stream PyAV would flush those that appeared half-way (broadcasts, damage), but it has no record of them.
        return
    except av.error.FFmpegError as error:
        problems.append(error_text(error))


def explain_unopenable(path: Path, size_bytes: int, error: BaseException, what: str) -> ItemRejectedError:
    """Say why a regular file could not be opened as media: its index is missing or damaged, or it is no media at all.

    Args:
        path: the file.
        size_bytes: its size.
        error: what opening raised.
        what: how messages name the file, e.g. "video" or "audio".
    """
    try:
        layout = read_layout(path, size_bytes)
    except OSError as unreadable:
        text = os.strerror(unreadable.errno) if unreadable.errno else type(unreadable).__name__
        return ItemRejectedError(Stage.PROBE, RejectionReason.UNREADABLE_FILE, f"the {what} file cannot be read: {text}")
    details: dict[str, float | int | str] = {"size_bytes": size_bytes}
    if not layout.kind:
        message = f"expected {what} in a known container, found {_guess_content(read_head(path))} ({error_text(error)})"
        return ItemRejectedError(Stage.PROBE, RejectionReason.NOT_MEDIA, message, details)
    details |= {"declared_bytes": layout.declared_bytes, "missing_share": round(layout.missing_share, 6)}
    reason = RejectionReason.TRUNCATED_FILE
    if not layout.has_index:
        message = f"expected {what} with an index (moov), found none in {size_bytes} bytes: the end of the file is missing"
    elif layout.missing_share > 0:
        message = f"expected {layout.declared_bytes} bytes of {what}, found {size_bytes}: {layout.missing_share:.1%} is missing"
    else:
        reason = RejectionReason.AUDIO_UNDECODABLE if what == "audio" else RejectionReason.VIDEO_UNDECODABLE
        message = f"expected {what} with headers that can be read, found a whole file with damaged ones ({error_text(error)})"
    return ItemRejectedError(Stage.PROBE, reason, message, details)


_SIGNATURES = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"<", "markup"),
)


def _guess_content(head: bytes) -> str:
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP image"
    printable = sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in head)
    return "text" if printable == len(head) else "bytes of no known kind"
