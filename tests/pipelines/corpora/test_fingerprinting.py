"""Fingerprints: right, in order, each file read once, and not again while it stays as it is."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.corpora.fingerprinting import Fingerprint, FingerprintIndex, fingerprint_recordings, hash_file
from storage_schemas.identifiers import escape_path
from storage_schemas.recordings import Recording, recordings_table
from storage_schemas.rejections import RejectionReason
from tests.factories.corpus_trees import write_files

LONG_AGO_S = 1_600_000_000


class CountingHash:
    """Hashes files and remembers which."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, path: Path) -> str:
        with self._lock:
            self.read[path.name] += 1
        return hash_file(path)


def corpus(root: Path, names: list[str], mtime_s: int = LONG_AGO_S) -> pa.Table:
    """Write a file for each name, modified long ago, and list them."""
    for name in names:
        write_files(root, [name], name.encode())
        os.utime(root / name, (mtime_s, mtime_s))
    return recordings_table(Recording(recording_id=escape_path(name), video=escape_path(name), speaker="s") for name in names)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_hashes_and_sizes_in_order(tmp_path: Path) -> None:
    names = [f"{number:03d} #.mp4" for number in range(50)]
    table, rejections, index = fingerprint_recordings(corpus(tmp_path, names), tmp_path, FingerprintIndex())
    assert table["recording_id"].to_pylist() == names
    assert table["video_sha256"].to_pylist() == [sha(name) for name in names]
    assert table["size_bytes"].to_pylist() == [len(name) for name in names]
    assert set(table["audio_sha256"].to_pylist()) == {""}
    assert rejections == []
    assert len(index.entries) == 50


def test_shared_files_are_read_once_and_audio_is_hashed(tmp_path: Path) -> None:
    corpus(tmp_path, ["long.mp4", "sound.wav"])
    table = recordings_table(
        Recording(recording_id=f"long_{number}", video="long.mp4", audio="sound.wav", speaker="s", start_s=number, end_s=number + 1)
        for number in range(5)
    )
    counting = CountingHash()
    table, _, _ = fingerprint_recordings(table, tmp_path, FingerprintIndex(), counting)
    assert counting.read == {"long.mp4": 1, "sound.wav": 1}
    assert set(table["audio_sha256"].to_pylist()) == {sha("sound.wav")}
    assert set(table["size_bytes"].to_pylist()) == {len("long.mp4")}


def test_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    names = ["a.mp4", "b.mp4", "c.mp4"]
    listing = corpus(tmp_path, names)
    first, _, index = fingerprint_recordings(listing, tmp_path, FingerprintIndex())
    corpus(tmp_path, ["b.mp4"], LONG_AGO_S + 1)
    write_files(tmp_path, ["c.mp4"], b"longer than before")
    os.utime(tmp_path / "c.mp4", (LONG_AGO_S, LONG_AGO_S))
    counting = CountingHash()
    second, _, _ = fingerprint_recordings(listing, tmp_path, FingerprintIndex.from_bytes(index.to_bytes()), counting)
    assert counting.read == {"b.mp4": 1, "c.mp4": 1}
    assert second["video_sha256"][:2].to_pylist() == first["video_sha256"][:2].to_pylist()
    assert second["video_sha256"][2].as_py() == sha("longer than before")


def test_files_modified_just_now_stay_out_of_the_index(tmp_path: Path) -> None:
    listing = recordings_table([Recording(recording_id="a", video="a.mp4", speaker="s")])
    write_files(tmp_path, ["a.mp4"])
    _, _, index = fingerprint_recordings(listing, tmp_path, FingerprintIndex())
    assert index.entries == {}


def test_vanished_and_unreadable_files(tmp_path: Path) -> None:
    listing = corpus(tmp_path, ["a.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4"])
    (tmp_path / "b.mp4").unlink()
    (tmp_path / "d.mp4").unlink()
    (tmp_path / "d.mp4").mkdir()
    old = FingerprintIndex({"b.mp4": Fingerprint(1, 2, "x"), "elsewhere.mp4": Fingerprint(3, 4, "y")})

    def failing(path: Path) -> str:
        if path.name == "c.mp4":
            raise OSError(5, "Input/output error")
        if path.name == "e.mp4":
            path.write_bytes(b"changed")
        return hash_file(path)

    table, rejections, index = fingerprint_recordings(listing, tmp_path, old, failing)
    assert table["recording_id"].to_pylist() == ["a.mp4"]
    assert {one.item_id: one.reason for one in rejections} == {
        "b.mp4": RejectionReason.UNREADABLE_FILE,
        "c.mp4": RejectionReason.UNREADABLE_FILE,
        "d.mp4": RejectionReason.NOT_A_REGULAR_FILE,
        "e.mp4": RejectionReason.UNREADABLE_FILE,
    }
    assert "it changed while it was read" in rejections[-1].message
    assert set(index.entries) == {"a.mp4", "elsewhere.mp4"}
    assert set(old.entries) == {"b.mp4", "elsewhere.mp4"}


def test_a_missing_audio_file_costs_the_recording(tmp_path: Path) -> None:
    corpus(tmp_path, ["a.mp4"])
    listing = recordings_table([Recording(recording_id="a", video="a.mp4", audio="a.wav", speaker="s")])
    table, rejections, _ = fingerprint_recordings(listing, tmp_path, FingerprintIndex())
    assert table.num_rows == 0
    assert rejections[0].details == {"path": "a.wav"}


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    write_files(tmp_path, [b"caf\xe9.mp4"], b"x")
    listing = recordings_table([Recording(recording_id="caf%E9.mp4", video="caf%E9.mp4", speaker="s")])
    table, rejections, _ = fingerprint_recordings(listing, tmp_path, FingerprintIndex())
    assert (table["video_sha256"][0].as_py(), rejections) == (sha("x"), [])


def test_progress(tmp_path: Path) -> None:
    calls: list[tuple[int, int, int]] = []
    fingerprint_recordings(
        corpus(tmp_path, ["1.mp4", "22.mp4"]), tmp_path, FingerprintIndex(), threads=1, progress=lambda *call: calls.append(call)
    )
    assert calls == [(1, 2, 5), (2, 2, 11)]


def test_an_empty_listing(tmp_path: Path) -> None:
    table, rejections, index = fingerprint_recordings(recordings_table([]), tmp_path, FingerprintIndex())
    assert (table.num_rows, rejections, index.entries) == (0, [], {})


def test_index_bytes_do_not_depend_on_the_order(tmp_path: Path) -> None:
    entries = {f"{number}.mp4": Fingerprint(number, number, f"{number:064x}") for number in range(100)}
    index = FingerprintIndex(entries)
    reversed_index = FingerprintIndex(dict(reversed(entries.items())))
    assert index.to_bytes() == reversed_index.to_bytes()
    assert FingerprintIndex.from_bytes(index.to_bytes()) == index
    assert FingerprintIndex.from_bytes(FingerprintIndex().to_bytes()) == FingerprintIndex()


@pytest.mark.parametrize("data", [b"", b"not parquet at all", b"PAR1" * 10])
def test_a_broken_index_is_an_empty_one(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert FingerprintIndex.from_bytes(data) == FingerprintIndex()
    assert "hashed again" in caplog.text
