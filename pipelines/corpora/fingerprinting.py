"""Fingerprinting: the SHA-256 of every source file, kept between builds so that an unchanged file is read once in its life.

MEAD has 439 GB: reading it each night would take longer than building from it. A file is taken as unchanged if its path, size and
modification time are those in the index. A file modified moments before it is hashed is not put in the index, since it could change again
within the same tick of the file system's clock.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from storage_schemas.identifiers import unescape_path
from storage_schemas.recordings import RECORDING_SCHEMA
from storage_schemas.rejections import Rejection, RejectionReason, Stage

FINGERPRINT_SCHEMA = pa.schema([("path", pa.string()), ("size_bytes", pa.int64()), ("mtime_ns", pa.int64()), ("sha256", pa.string())])
"""Columns of a stored index, sorted by path; paths are escaped and relative to the corpus root."""

DEFAULT_THREADS = 4

_SETTLED_AFTER_S = 2.0  # FAT's clock ticks every two seconds, the coarsest in use
_FILES_IN_FLIGHT = 1024

logger = logging.getLogger(__name__)

Progress = Callable[[int, int, int], None]
"""Called with (files done, files in total, bytes hashed or known so far), now and then and at the end."""


class Fingerprint(NamedTuple):
    """What a file looked like, and its SHA-256, when it was last hashed."""

    size_bytes: int
    mtime_ns: int
    sha256: str


@dataclass
class FingerprintIndex:
    """Fingerprints of the files of one corpus by escaped relative path."""

    entries: dict[str, Fingerprint] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the index as a Parquet file; the same entries give the same bytes."""
        paths = sorted(self.entries)
        rows = [self.entries[path] for path in paths]
        columns = [
            pa.array(paths, pa.string()),
            pa.array([row.size_bytes for row in rows], pa.int64()),
            pa.array([row.mtime_ns for row in rows], pa.int64()),
            pa.array([row.sha256 for row in rows], pa.string()),
        ]
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table(columns, schema=FINGERPRINT_SCHEMA), sink, compression="zstd")
        data: bytes = sink.getvalue().to_pybytes()
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> FingerprintIndex:
        """Read what `to_bytes` wrote; anything else gives an empty index and a warning, since it only costs reading the files again."""
        try:
            table = pq.read_table(pa.BufferReader(data)).select(FINGERPRINT_SCHEMA.names).cast(FINGERPRINT_SCHEMA)
        except (pa.ArrowException, KeyError, ValueError, OSError) as error:
            logger.warning("the fingerprint index cannot be read, every file will be hashed again: %s", error)
            return cls()
        columns = [column.to_pylist() for column in table.columns]
        return cls({path: Fingerprint(*row) for path, *row in zip(*columns, strict=True)})


class _Outcome(NamedTuple):
    """The fingerprint of a file, or why there is none."""

    path: str
    fingerprint: Fingerprint | None = None
    settled: bool = True
    reason: RejectionReason = RejectionReason.UNREADABLE_FILE
    problem: str = ""


def hash_file(path: Path) -> str:
    """Return the SHA-256 (64 hex digits) of a file's bytes; OSError if it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint_recordings(
    recordings: pa.Table,
    root: Path,
    index: FingerprintIndex,
    hash_file: Callable[[Path], str] = hash_file,
    *,
    threads: int = DEFAULT_THREADS,
    progress: Progress | None = None,
) -> tuple[pa.Table, list[Rejection], FingerprintIndex]:
    """Fill `video_sha256`, `audio_sha256` and `size_bytes` of a listing.

    Each distinct file is looked at once, however many recordings share it, and read only if the index does not know it as it is.

    Args:
        recordings: a listing in RECORDING_SCHEMA.
        root: the corpus root, to which the paths in the listing are relative.
        index: fingerprints of earlier builds of the same root; not changed.
        hash_file: returns the hash of a file's bytes, or raises OSError.
        threads: how many files are read at a time; hashing lets other threads run.
        progress: told how far it is.

    Returns:
        The listing in the same order without the recordings that have a file that is gone, unreadable or changing while it is read; one
        rejection for each of those; and the index for the next build, which keeps what this listing did not ask for.
    """
    videos: list[str] = recordings["video"].to_pylist()
    audios: list[str] = recordings["audio"].to_pylist()
    paths = sorted({path for path in (*videos, *audios) if path})
    outcomes: dict[str, _Outcome] = {}
    bytes_done = 0
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="fingerprint") as pool:
        for batch in _batches(paths):
            for outcome in pool.map(lambda path: _fingerprint(path, root, index, hash_file), batch):
                outcomes[outcome.path] = outcome
                bytes_done += outcome.fingerprint.size_bytes if outcome.fingerprint else 0
                if progress:
                    progress(len(outcomes), len(paths), bytes_done)
    rejections = _rejections(recordings["recording_id"].to_pylist(), videos, audios, outcomes)
    return _filled(recordings, videos, audios, outcomes), rejections, _next_index(index, outcomes)


def _batches(paths: list[str]) -> Iterator[list[str]]:
    iterator = iter(paths)
    while batch := list(islice(iterator, _FILES_IN_FLIGHT)):
        yield batch


def _fingerprint(path: str, root: Path, index: FingerprintIndex, hash_file: Callable[[Path], str]) -> _Outcome:
    """Look at one file and hash it if need be; a file that changes meanwhile has no fingerprint."""
    file = root / unescape_path(path)
    try:
        before = file.stat()
        if not stat.S_ISREG(before.st_mode):
            return _Outcome(path, reason=RejectionReason.NOT_A_REGULAR_FILE, problem="it is no longer a regular file")
        known = index.entries.get(path)
        if known and (known.size_bytes, known.mtime_ns) == (before.st_size, before.st_mtime_ns):
            return _Outcome(path, known)
        settled = time.time_ns() - before.st_mtime_ns > _SETTLED_AFTER_S * 1e9
        digest = hash_file(file)
        after = file.stat()
    except OSError as error:
        return _Outcome(path, problem=os.strerror(error.errno) if error.errno else type(error).__name__)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return _Outcome(path, problem="it changed while it was read")
    return _Outcome(path, Fingerprint(before.st_size, before.st_mtime_ns, digest), settled)


def _filled(recordings: pa.Table, videos: list[str], audios: list[str], outcomes: dict[str, _Outcome]) -> pa.Table:
    """Return the listing with hashes and sizes, without the rows that have a file without a fingerprint."""
    prints = {path: outcome.fingerprint for path, outcome in outcomes.items()}
    video_prints = [prints[path] for path in videos]
    audio_prints = [prints[path] if path else Fingerprint(0, 0, "") for path in audios]
    columns = {
        "size_bytes": [fingerprint.size_bytes if fingerprint else 0 for fingerprint in video_prints],
        "video_sha256": [fingerprint.sha256 if fingerprint else "" for fingerprint in video_prints],
        "audio_sha256": [fingerprint.sha256 if fingerprint else "" for fingerprint in audio_prints],
    }
    for name, values in columns.items():
        field_index = RECORDING_SCHEMA.get_field_index(name)
        column = RECORDING_SCHEMA.field(name)
        recordings = recordings.set_column(field_index, column, pa.array(values, type=column.type))
    kept = [bool(video) and bool(audio) for video, audio in zip(video_prints, audio_prints, strict=True)]
    return recordings if all(kept) else recordings.filter(pa.array(kept, pa.bool_())).combine_chunks()


def _rejections(ids: list[str], videos: list[str], audios: list[str], outcomes: dict[str, _Outcome]) -> list[Rejection]:
    rejections = []
    for recording_id, *paths in zip(ids, videos, audios, strict=True):
        failed = next((outcomes[path] for path in paths if path and not outcomes[path].fingerprint), None)
        if failed:
            rejections.append(
                Rejection(
                    item_id=recording_id, recording_id=recording_id, stage=Stage.DISCOVER, reason=failed.reason,
                    message=f"{failed.path} was listed but cannot be used: {failed.problem}", details={"path": failed.path},
                )
            )  # fmt: skip
    return rejections


def _next_index(index: FingerprintIndex, outcomes: dict[str, _Outcome]) -> FingerprintIndex:
    entries = dict(index.entries)
    for path, outcome in outcomes.items():
        if outcome.fingerprint and outcome.settled:
            entries[path] = outcome.fingerprint
        else:
            entries.pop(path, None)
    return FingerprintIndex(entries)
