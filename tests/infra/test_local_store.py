"""What is particular to folders: renames, links, full disks, read-only file systems, several writers."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local_store import LocalObjectStore
from infra.object_store import open_store
from infra.settings import Settings
from storage_schemas.errors import StoreError
from tests.factories.file_systems import make_read_only, tiny_file_system

ROOT = Path(__file__).parents[2]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalObjectStore]:
    with LocalObjectStore(tmp_path / "store", fsync=False) as opened:
        yield opened


@pytest.fixture
def tiny_disk() -> Iterator[Path]:
    with tiny_file_system() as folder:
        yield folder


def test_files_get_ordinary_permissions(store: LocalObjectStore) -> None:
    """A temporary file's usual 0600 would keep colleagues from reading a shared store."""
    before = os.umask(0o022)
    try:
        store.write_bytes("a/b", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((store.root / "a/b").stat().st_mode) == 0o644


def test_fsync_changes_nothing_but_time(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "s"), Settings(store_fsync=True)) as store:
        store.write_bytes("a/b", b"1")
        (tmp_path / "file").write_bytes(b"2")
        store.publish_file(tmp_path / "file", "a/c")
        folder = store.scratch_folder() / "x"
        folder.mkdir()
        (folder / "part.json").write_bytes(b"3")
        store.publish_folder(folder, "p/x", "part.json")
        assert [path for path, _ in store.list_objects("")] == ["a/b", "a/c", "p/x/part.json"]


def test_files_and_folders_come_from_other_file_systems_too(store: LocalObjectStore, tiny_disk: Path) -> None:
    (tiny_disk / "file").write_bytes(b"1")
    (tiny_disk / "folder/deep").mkdir(parents=True)
    (tiny_disk / "folder/part.json").write_bytes(b"2")
    (tiny_disk / "folder/deep/data").write_bytes(b"3")
    store.publish_file(tiny_disk / "file", "a")
    store.publish_folder(tiny_disk / "folder", "p", "part.json")
    assert [path for path, _ in store.list_objects("")] == ["a", "p/deep/data", "p/part.json"]
    assert list(tiny_disk.iterdir()) == []


def test_fetching_into_scratch_links(store: LocalObjectStore, tmp_path: Path) -> None:
    store.write_bytes("a/b/c", b"data")
    inside, outside = store.scratch_folder() / "copy", tmp_path / "copy"
    store.fetch_folder("a", inside)
    store.fetch_folder("a", outside)
    original = (store.root / "a/b/c").stat().st_ino
    assert (inside / "b/c").stat().st_ino == original
    assert (outside / "b/c").stat().st_ino != original
    store.close()
    assert store.read_bytes("a/b/c") == b"data"


def test_a_folder_that_goes_away_while_it_is_fetched_is_missing(
    store: LocalObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        store.write_bytes(f"a/{name}", b"data")
    original = shutil.copyfile

    def copy_then_remove(source: Path, target: Path) -> None:
        original(source, target)
        LocalObjectStore(store.root).delete_folder("a")

    monkeypatch.setattr(shutil, "copyfile", copy_then_remove)
    with pytest.raises(FileNotFoundError):
        store.fetch_folder("a", tmp_path / "copy")


def test_many_writers_leave_one_whole_folder(store: LocalObjectStore) -> None:
    """Eight threads publish, fetch and delete the same folder; at every moment it is whole or not there."""
    problems: list[str] = []

    def work(number: int) -> None:
        with LocalObjectStore(store.root, fsync=False) as own:
            for turn in range(25):
                local = own.scratch_folder() / "x"
                local.mkdir()
                for name in ("data", "part.json"):
                    (local / name).write_bytes(f"{number}".encode())
                own.publish_folder(local, "p/ab/x", "part.json")
                try:
                    copy = own.scratch_folder() / "copy"
                    own.fetch_folder("p/ab/x", copy)
                    if (copy / "data").read_bytes() != (copy / "part.json").read_bytes():
                        problems.append("mixed")
                except FileNotFoundError:
                    pass
                if turn % 3 == number % 3:
                    own.delete_folder("p/ab/x")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert {path for path, _ in store.list_objects("p")} in ({"p/ab/x/data", "p/ab/x/part.json"}, set())


def test_a_full_disk_is_named_and_leaves_what_was_there(tiny_disk: Path) -> None:
    with LocalObjectStore(tiny_disk / "store") as store:
        store.check_writable()
        store.write_bytes("versions/1/manifest.json", b"whole")
        with pytest.raises(StoreError, match=r"cannot write .*: no space left .*; free some space"):
            store.write_bytes("versions/1/manifest.json", bytes(2 * 2**20))
        assert store.read_bytes("versions/1/manifest.json") == b"whole"
        filler = store.scratch_folder() / "filler"
        try:
            filler.write_bytes(bytes(2 * 2**20))
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017
        with pytest.raises(StoreError, match="no space left"):
            store.check_writable()
        assert [path for path, _ in store.list_objects("")] == ["versions/1/manifest.json"]
        filler.unlink()
        store.check_writable()


def test_a_read_only_store_is_named_and_readable(tiny_disk: Path) -> None:
    with LocalObjectStore(tiny_disk) as writable:
        writable.write_bytes("tags/latest.json", b"{}")
    make_read_only(tiny_disk)
    store = LocalObjectStore(tiny_disk)
    for attempt in (
        store.check_writable,
        lambda: store.write_bytes("x", b""),
        lambda: store.delete("tags/latest.json"),
        store.scratch_folder,
    ):
        with pytest.raises(StoreError, match=r"the file system is read-only .*; mount it writable"):
            attempt()
    assert store.read_bytes("tags/latest.json") == b"{}"
    assert [path for path, _ in store.list_objects("")] == ["tags/latest.json"]
    assert store.remove_stale_scratch() == 0
    store.close()


def test_a_folder_without_permission_is_named() -> None:
    """Run as another user, since root may write everywhere."""
    script = """
import os, sys
from pathlib import Path
from infra.local_store import LocalObjectStore
from storage_schemas.errors import StoreError
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    LocalObjectStore(Path(sys.argv[1])).check_writable()
except StoreError as error:
    sys.exit(0 if "permission denied" in str(error) and "check the owner" in str(error) else str(error))
sys.exit("no error")
"""
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    folder.chmod(0o555)
    subprocess.run([sys.executable, "-c", script, str(folder / "store")], check=True, cwd=ROOT)
    folder.rmdir()


def test_a_limit_on_file_sizes_is_named(store: LocalObjectStore) -> None:
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
        with pytest.raises(StoreError, match=r"larger than allowed .*ulimit -f"):
            store.write_bytes("x", bytes(20_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not store.exists("x")


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "store").write_bytes(b"not a folder")
    store = LocalObjectStore(tmp_path / "store")
    with pytest.raises(StoreError, match="a file is where a folder is expected"):
        store.check_writable()
    with pytest.raises(StoreError, match="a file is where a folder is expected"):
        store.write_bytes("x/y", b"")


def test_a_failed_write_leaves_no_temporary_file(store: LocalObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StoreError, match="no space left"):
        store.write_bytes("x", b"data")
    assert [path for path in store.root.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_names_with_a_tilde_are_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert LocalObjectStore(Path("~/store")).root == tmp_path / "store"
