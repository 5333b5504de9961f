"""Hostile files among good ones: the build ends, says of each what is wrong with it, and the good clips are as if it were not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows.plain_build import plain_build
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.version_tables import VersionTable, read_rows
from pipelines.dataset.versions import resolve_version
from storage_schemas.build_spec import BuildSpec
from storage_schemas.identifiers import escape_path
from tests.factories.hostile_files import GOOD_FOLDER, HostileFile, copy_good, write_good_clips, write_hostile_files

_FAST_KINDS = (
    GOOD_FOLDER, "good mp4 named avi", "good clip behind a link", "truncated, index first", "truncated, index last", "truncated mkv",
    "many bits flipped in moov", "many bits flipped in mdat", "zeros in the middle", "empty", "plain text named mp4", "pickle named mp4",
    "playlist of a clip named mp4", "list to concatenate named mp4", ".webp image named mp4", "mp3 named mp4", "no sound", "noise",
    "one frame", "1 frame a second", "9000 x 16 px", "five hours between two frames", "absurd number of frames claimed",
    "pictures in another file", "folder named mp4", "named pipe", "dangling link", "link to itself", "link to the folder it is in",
    "link to an endless device",
)  # fmt: skip
_FAST_NAMES = ("$(touch pwned)", "`touch pwned`;#\"'", "new\nline%s", os.fsdecode(b"\xffnot utf-8"), "concat:a.mp4|b.mp4")
_HASHES = ("frames_sha256", "landmarks_sha256", "audio_sha256")


@dataclass(frozen=True)
class Built:
    """The tables of a version: rejections by recording, and clips."""

    rejections: dict[str, list[dict[str, Any]]]
    clips: list[dict[str, Any]]

    @property
    def accepted(self) -> set[str]:
        return {clip["recording_id"] for clip in self.clips}

    def hashes(self, accepted: set[str]) -> dict[str, tuple[str, ...]]:
        """Return the hashes of the clips of some recordings, by clip id."""
        return {clip["clip_id"]: tuple(clip[name] for name in _HASHES) for clip in self.clips if clip["recording_id"] in accepted}


def _read_version(store_uri: str) -> Built:
    with open_store(store_uri, Settings()) as store:
        version = resolve_version(store, "latest")
        rejections: dict[str, list[dict[str, Any]]] = {}
        for row in read_rows(store, version, VersionTable.REJECTIONS):
            rejections.setdefault(row["recording_id"], []).append(row)
        return Built(rejections, list(read_rows(store, version, VersionTable.CLIPS)))


def _wrong(files: list[HostileFile], corpus: Path, built: Built) -> list[tuple[str, str, list[str]]]:
    """Return (kind, recording id, what was found) of the files that were not treated right."""
    wrong = []
    for file in files:
        recording_id = escape_path(file.path.relative_to(corpus))
        found = [row["reason"] for row in built.rejections.get(recording_id, [])]
        accepted = recording_id in built.accepted
        is_right = set(found) <= {reason.value for reason in file.expected_reasons} and (file.may_be_accepted if accepted else bool(found))
        if not is_right:
            wrong.append((file.kind, recording_id, [*found, *["accepted"] * accepted]))
    return wrong


def _check(files: list[HostileFile], corpus: Path, built: Built, alone: Built) -> None:
    assert _wrong(files, corpus, built) == []
    assert alone.rejections == {}
    assert built.hashes(alone.accepted) == alone.hashes(alone.accepted)
    assert all(len(hashed) == 64 for hashes in alone.hashes(alone.accepted).values() for hashed in hashes)
    messages = [row["message"] for rows in built.rejections.values() for row in rows]
    assert all(message and "\n" not in message for message in messages)
    # What a message says must not depend on where the corpus lies.
    assert not [message for message in messages if str(corpus.parent) in message]


def _plain_build(source: Path, store: Path) -> Built:
    plain_build(BuildSpec(), str(source), str(store), 2)
    return _read_version(str(store))


def test_hostile_files_cost_nobody_but_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus, good = tmp_path / "corpus", tmp_path / "good"
    (tmp_path / "here").mkdir()
    files = write_hostile_files(corpus, 40, seed=1, kinds=_FAST_KINDS, nasty_names=_FAST_NAMES)
    assert {file.kind for file in files} >= set(_FAST_KINDS)
    copy_good(files, corpus, good)
    monkeypatch.chdir(tmp_path / "here")
    _check(files, corpus, _plain_build(corpus, tmp_path / "store"), _plain_build(good, tmp_path / "store of the good"))
    assert list((tmp_path / "here").iterdir()) == []


def _home(folder: Path) -> Path:
    return folder / "home #%41?x=$(touch pwned)"


def _command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    here = folder / "here"
    here.mkdir(exist_ok=True)
    environment = {**os.environ, "FLOWVQTALKER_HOME": str(_home(folder))}
    command = [sys.executable, "-m", "flows.command_line", *arguments]
    return subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False, timeout=1500)


def _build(folder: Path, source: Path, store: Path) -> tuple[dict[str, Any], Built]:
    done = _command(folder, "build", "--source", str(source), "--layout", "folder", "--store", str(store), "--workers", "2", "--json")
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) <= 3, done.stderr
    left = [
        process
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get("FLOWVQTALKER_HOME") == str(_home(folder))
    ]
    assert left == []
    assert [path.name for path in (store / "scratch").iterdir()] == []
    return json.loads(done.stdout), _read_version(str(store))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_three_hundred_hostile_files_through_the_command(tmp_path: Path) -> None:
    corpus, good, store = tmp_path / "corpus", tmp_path / "good", tmp_path / "store #%41?;`touch pwned`"
    files = write_hostile_files(corpus / "hostile", 370, seed=7)
    bad = [file for file in files if file.expected_reasons]
    assert len(bad) >= 300
    assert len({file.kind for file in bad}) >= 90
    write_good_clips(corpus, 12)
    write_good_clips(good, 12)
    copy_good(files, corpus, good)
    before = {path.name for path in corpus.rglob("*")}
    summary, built = _build(tmp_path, corpus, store)
    _, alone = _build(tmp_path, good, tmp_path / "store of the good")
    _check(files, corpus, built, alone)
    assert len(alone.accepted) == 12 + len(files) - len(bad)
    assert summary["clips_rejected"] == sum(map(len, built.rejections.values()))
    assert list((tmp_path / "here").iterdir()) == []
    assert {path.name for path in corpus.rglob("*")} == before
    assert {path.name for path in tmp_path.iterdir()} == {"corpus", "good", "here", _home(tmp_path).name, store.name, "store of the good"}
    report = (store / summary["report"]).read_text(encoding="utf-8")
    assert "<script>alert" not in report
    verified = _command(tmp_path, "dataset", "verify", "latest", "--store", str(store), "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
