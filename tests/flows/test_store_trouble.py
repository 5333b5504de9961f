"""A store that fills up or cannot be written: one clear line, exit code 1, and earlier versions as they were."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from infra.object_store import open_store
from infra.settings import Settings
from tests.factories.build_processes import CommandLine, build_arguments, half_published
from tests.factories.file_systems import make_read_only, tiny_file_system
from tests.factories.stores import fake_credentials, s3_environment, s3_server

pytestmark = [pytest.mark.slow, pytest.mark.chaos]


@pytest.fixture(scope="module")
def finished_store(tmp_path_factory: pytest.TempPathFactory, demo_corpus: Path, spec_file: Path) -> Path:
    """A store with one version."""
    folder = tmp_path_factory.mktemp("finished")
    CommandLine(folder / "home").build(spec_file, demo_corpus, folder / "store")
    return folder / "store"


@pytest.fixture
def other_spec(tmp_path: Path) -> Path:
    """A specification that shares no part with the finished version."""
    path = tmp_path / "other.yaml"
    path.write_text("name: other\nlayout: demo\ncrop: {size_px: 256}\nparts: {target_recordings: 2}\n")
    return path


def _check_failed(done: subprocess.CompletedProcess[str], store: Path, cause: str, remedy: str) -> None:
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: cannot ")
    for part in (str(store), cause, remedy):
        assert part in lines[0]


def _check_earlier_version(store: Path) -> None:
    with open_store(str(store), Settings()) as opened:
        assert list(half_published(opened)) == []


@pytest.mark.parametrize("free_kb", [40, 300, 1500, 3000, 4500, 6000])
def test_a_disk_that_fills_up(free_kb: int, finished_store: Path, other_spec: Path, command_line: CommandLine, demo_corpus: Path) -> None:
    """From hardly any room, through staging in the child, to packing; the rest of the space is there again afterwards."""
    with tiny_file_system("64m") as disk:
        shutil.copytree(finished_store, disk / "store")
        _fill(disk, free_kb)
        done = command_line.run(*build_arguments(other_spec, demo_corpus, disk / "store"))
        _check_failed(done, disk / "store", "no space left", "free some space, or name another store")
        (disk / "filler").unlink()
        _check_earlier_version(disk / "store")
        assert not list((disk / "store" / "scratch").iterdir())
        assert command_line.build(other_spec, demo_corpus, disk / "store")["clips_accepted"] == 4
    assert command_line.orphans() == []


def test_a_read_only_store(finished_store: Path, other_spec: Path, command_line: CommandLine, demo_corpus: Path) -> None:
    with tiny_file_system("64m") as disk:
        shutil.copytree(finished_store, disk / "store")
        make_read_only(disk)
        done = command_line.run(*build_arguments(other_spec, demo_corpus, disk / "store"))
        _check_failed(done, disk / "store", "the file system is read-only", "mount it writable, or name another store")
        assert done.returncode == 1
        verified = command_line.run("dataset", "verify", "latest", "--store", disk / "store", "--json")
        assert verified.returncode == 0, verified.stderr


def test_a_bucket_that_is_not_there(tmp_path: Path, command_line: CommandLine, demo_corpus: Path, spec_file: Path) -> None:
    with fake_credentials(), s3_server() as address:
        on_s3 = replace(command_line, environment=s3_environment(address, tmp_path))
        done = on_s3.run(*build_arguments(spec_file, demo_corpus, "s3://nobody-made-this-bucket/prefix"))
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: cannot read s3://nobody-made-this-bucket/prefix/store.json: the bucket does not exist ")
    assert done.stderr.endswith("make it, or correct the address of the store\n")


def test_a_server_that_does_not_answer(tmp_path: Path, command_line: CommandLine, demo_corpus: Path, spec_file: Path) -> None:
    with fake_credentials():
        on_s3 = replace(command_line, environment=s3_environment("http://127.0.0.1:1", tmp_path))
        done = on_s3.run(*build_arguments(spec_file, demo_corpus, "s3://bucket/prefix"))
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "127.0.0.1:1" in done.stderr


def _fill(disk: Path, free_kb: int) -> None:
    status = os.statvfs(disk)
    with (disk / "filler").open("wb") as filler:
        filler.write(bytes(max(0, status.f_bavail * status.f_frsize - free_kb * 1024)))
