"""What every store promises, checked on a folder, on moto and, where S3_ENDPOINT_URL names one, on a real S3 server."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest

from infra.local_store import LocalObjectStore
from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from storage_schemas.errors import BadInputError, StoreError


def _folder_with(store: ManagedStore, files: dict[str, bytes]) -> Path:
    folder = store.scratch_folder() / "ready"
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_reads_what_was_written(store: ManagedStore) -> None:
    store.write_bytes("tags/latest.json", b"one")
    store.write_bytes("tags/latest.json", b"two")
    assert store.exists("tags/latest.json")
    assert store.read_bytes("tags/latest.json") == b"two"
    assert abs(store.modified_s("tags/latest.json") - time.time()) < 60


def test_missing_objects(store: ManagedStore, tmp_path: Path) -> None:
    assert not store.exists("versions/none/manifest.json")
    for read in (store.read_bytes, store.open, store.modified_s, lambda path: store.read_range(path, 0, 5)):
        with pytest.raises(FileNotFoundError):
            read("versions/none/manifest.json")
    with pytest.raises(FileNotFoundError):
        store.fetch_folder("versions/none", tmp_path / "copy")
    store.delete("versions/none/manifest.json")
    store.delete_folder("versions/none")
    assert list(store.list_objects("versions")) == []
    assert store.list_folders("versions") == []


def test_a_folder_is_no_object(store: ManagedStore) -> None:
    store.write_bytes("a/b/c", b"x")
    assert not store.exists("a/b")


def test_range_reads_behave_like_slices(store: ManagedStore) -> None:
    data = bytes(range(256)) * 20
    store.write_bytes("x/data", data)
    for start, count in [(0, 10), (100, 5000), (5000, 500), (5120, 4), (9000, 4), (7, 0), (-16, 16), (-16, 4), (-9000, 20)]:
        begin = start if start >= 0 else max(0, len(data) + start)
        assert store.read_range("x/data", start, count) == data[begin : begin + count], (start, count)


def test_open_is_seekable(store: ManagedStore) -> None:
    data = os.urandom(3_000_000)
    store.write_bytes("x/data", data)
    with store.open("x/data") as stream:
        assert stream.read(10) == data[:10]
        assert stream.seek(-5, io.SEEK_END) == len(data) - 5
        assert stream.read() == data[-5:]
        stream.seek(1_000_000)
        stream.seek(24, io.SEEK_CUR)
        assert stream.read(1_500_000) == data[1_000_024:2_500_024]
        stream.seek(0)
        assert stream.read() == data


def test_publish_file_moves(store: ManagedStore, tmp_path: Path) -> None:
    local = tmp_path / "file"
    local.write_bytes(b"content")
    store.publish_file(local, "versions/ab/clips.parquet")
    assert not local.exists()
    assert store.read_bytes("versions/ab/clips.parquet") == b"content"


def test_publish_folder_moves_everything(store: ManagedStore, tmp_path: Path) -> None:
    files = {"part.json": b"{}", "frames.tar": bytes(1024), "a.zarr/c/0/0": b"chunk", "a.zarr/zarr.json": b"{}", "leere Datei ü#%": b""}
    local = _folder_with(store, files)
    store.publish_folder(local, "parts/frames/ab/abcd", last="part.json")
    assert not local.exists()
    assert dict(store.list_objects("parts")) == {f"parts/frames/ab/abcd/{name}": len(data) for name, data in files.items()}
    store.fetch_folder("parts/frames/ab/abcd", tmp_path / "copy")
    assert {p.relative_to(tmp_path / "copy").as_posix(): p.read_bytes() for p in (tmp_path / "copy").rglob("*") if p.is_file()} == files


def test_publish_folder_keeps_what_is_there(store: ManagedStore) -> None:
    store.publish_folder(_folder_with(store, {"part.json": b"old", "data": b"old"}), "parts/x", last="part.json")
    local = _folder_with(store, {"part.json": b"new", "other": b"new"})
    store.publish_folder(local, "parts/x", last="part.json")
    assert not local.exists()
    assert store.read_bytes("parts/x/part.json") == b"old"
    assert [path for path, _ in store.list_objects("parts")] == ["parts/x/data", "parts/x/part.json"]


def test_publish_folder_completes_what_was_left_half(store: ManagedStore) -> None:
    store.write_bytes("parts/x/data", b"of a crash")
    store.publish_folder(_folder_with(store, {"part.json": b"new", "data": b"new"}), "parts/x", last="part.json")
    assert store.read_bytes("parts/x/data") == b"new"
    assert store.exists("parts/x/part.json")


def test_a_folder_without_its_marker_is_refused(store: ManagedStore) -> None:
    with pytest.raises(StoreError, match=r"it has no part\.json"):
        store.publish_folder(_folder_with(store, {"data": b""}), "parts/x", last="part.json")


def test_listing_is_sorted_by_whole_path(store: ManagedStore) -> None:
    paths = ["a-b/x", "a/x", "a.b", "a/b/c", "a0", "é/x", "Z", "a/b-c"]
    for path in paths:
        store.write_bytes(f"l/{path}", path.encode())
    assert [path for path, _ in store.list_objects("l")] == [f"l/{path}" for path in sorted(paths)]
    assert [path for path, _ in store.list_objects("l/a/")] == ["l/a/b-c", "l/a/b/c", "l/a/x"]
    assert store.list_folders("l") == ["a", "a-b", "é"]


def test_the_root_lists_everything_but_scratch(store: ManagedStore) -> None:
    store.scratch_folder().joinpath("temporary").write_bytes(b"")
    store.write_bytes("tags/a.json", b"")
    assert [path for path, _ in store.list_objects("")] == ["tags/a.json"]
    assert store.list_folders("") == ["tags"]


def test_delete(store: ManagedStore) -> None:
    store.write_bytes("a/b/one", b"")
    store.write_bytes("a/b/two", b"")
    store.delete("a/b/one")
    assert [path for path, _ in store.list_objects("a")] == ["a/b/two"]
    store.delete("a/b/two")
    assert store.list_folders("") == []


def test_delete_folder(store: ManagedStore) -> None:
    for path in ("x/a/part.json", "x/a/deep/er", "x/ab/part.json"):
        store.write_bytes(path, b"")
    store.delete_folder("x/a")
    assert [path for path, _ in store.list_objects("x")] == ["x/ab/part.json"]


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/.", "a\\b", "a\x00b", "a\nb"])
def test_paths_stay_inside(store: ManagedStore, tmp_path: Path, path: str) -> None:
    for use in (store.exists, store.read_bytes, store.delete, store.delete_folder, lambda path: store.write_bytes(path, b"")):
        with pytest.raises(BadInputError, match="relative and plain"):
            use(path)


def test_names_are_only_names(store: ManagedStore) -> None:
    for name in ("a b", "$(touch x)", "`id`;", "x*?[a]", "ü", "#1", "%41"):
        store.write_bytes(f"n/{name}", name.encode())
        assert store.read_bytes(f"n/{name}") == name.encode()
    store.delete("n/x*?[a]")
    assert len(list(store.list_objects("n"))) == 6
    store.delete_folder("n")
    assert list(store.list_objects("n")) == []


def test_a_writable_store_passes_the_check_and_keeps_nothing(store: ManagedStore) -> None:
    store.check_writable()
    assert list(store.list_objects("")) == []


def test_scratch_folders_are_new_empty_and_go_at_close(store: ManagedStore) -> None:
    first, second = store.scratch_folder(), store.scratch_folder()
    assert first != second
    assert list(first.iterdir()) == []
    store.close()
    assert not first.exists()
    assert not second.exists()
    third = store.scratch_folder()
    assert third.is_dir()


@pytest.mark.parametrize("uri", ["gs://bucket/x", "http://host/x", "pipe:///bin/sh", "file://host/x", "s3://", "", "  "])
def test_other_addresses_are_refused(uri: str) -> None:
    with pytest.raises(BadInputError):
        open_store(uri, Settings())


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_addresses_of_folders(tmp_path: Path, form: str) -> None:
    store = open_store(form.format(tmp_path / "x"), Settings())
    assert isinstance(store, LocalObjectStore)
    assert store.uri == str(tmp_path / "x")
    assert not (tmp_path / "x").exists()  # opening writes nothing
