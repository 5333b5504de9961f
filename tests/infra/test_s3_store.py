"""What is particular to S3: addresses, upload order, credentials, unreachable servers, large listings."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import s3fs

from infra import s3_store
from infra.object_store import open_store
from infra.s3_store import S3ObjectStore
from infra.settings import Settings
from storage_schemas.errors import StoreError
from tests.factories.stores import new_bucket, s3_settings


@pytest.fixture
def s3(moto_address: str, tmp_path: Path) -> S3ObjectStore:
    store = open_store(f"s3://{new_bucket(moto_address)}/pre/fix/", s3_settings(moto_address, tmp_path))
    assert isinstance(store, S3ObjectStore)
    return store


def test_the_address_is_kept_plain(s3: S3ObjectStore) -> None:
    assert s3.uri.startswith("s3://flowvqtalker-")
    assert s3.uri.endswith("/pre/fix")


def test_the_marker_is_uploaded_last(s3: S3ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded: list[str] = []
    original = s3fs.S3FileSystem.put_file

    def spy(self: s3fs.S3FileSystem, local: str, key: str, **options: Any) -> None:  # noqa: ANN401
        uploaded.append(key.rsplit("/", 1)[-1])
        original(self, local, key, **options)

    monkeypatch.setattr(s3fs.S3FileSystem, "put_file", spy)
    folder = s3.scratch_folder() / "x"
    (folder / "z.zarr").mkdir(parents=True)
    for name in ("part.json", "a", "z.zarr/0"):
        (folder / name).write_bytes(b"")
    s3.publish_folder(folder, "p", "part.json")
    assert uploaded == ["a", "0", "part.json"]


def test_an_upload_that_breaks_off_shows_nothing_whole(s3: S3ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    original = s3fs.S3FileSystem.put_file

    def fail_at_b(self: s3fs.S3FileSystem, local: str, key: str, **options: Any) -> None:  # noqa: ANN401
        if key.endswith("/b"):
            raise ConnectionResetError("gone")
        original(self, local, key, **options)

    folder = s3.scratch_folder() / "x"
    folder.mkdir()
    for name in ("a", "b", "part.json"):
        (folder / name).write_bytes(name.encode())
    with monkeypatch.context() as patch:
        patch.setattr(s3fs.S3FileSystem, "put_file", fail_at_b)
        with pytest.raises(StoreError, match=r"cannot publish s3://.*/p/b: unreachable"):
            s3.publish_folder(folder, "p", "part.json")
    assert not s3.exists("p/part.json")
    s3.publish_folder(folder, "p", "part.json")
    assert s3.read_bytes("p/b") == b"b"


def test_large_files_go_up_in_pieces(s3: S3ObjectStore, tmp_path: Path) -> None:
    data = os.urandom(2**20) * 40
    (tmp_path / "large").write_bytes(data)
    s3.publish_file(tmp_path / "large", "x/large")
    assert s3.read_range("x/large", 39 * 2**20, 5) == data[39 * 2**20 :][:5]
    assert s3.read_bytes("x/large") == data


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("clips/0a.mp4", "video/mp4"),
        ("manifest.json", "application/json"),
        ("results.parquet", "application/vnd.apache.parquet"),
        ("sheet.PNG", "image/png"),
        ("frame.jpg", "image/jpeg"),
        ("a.mp4/0", "application/octet-stream"),
    ],
)
def test_objects_say_what_they_are(s3: S3ObjectStore, tmp_path: Path, name: str, expected: str) -> None:
    (tmp_path / "file").write_bytes(b"file")
    s3.write_bytes(f"written/{name}", b"data")
    s3.publish_file(tmp_path / "file", f"published/{name}")
    folder = s3.scratch_folder() / "x"
    (folder / name).parent.mkdir(parents=True)
    (folder / name).write_bytes(b"folder")
    s3.publish_folder(folder, "folder", name)
    for place in ("written", "published", "folder"):
        assert s3._call("head_object", Key=s3._key(f"{place}/{name}"))["ContentType"] == expected


def test_large_files_say_what_they_are(s3: S3ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(40 * 2**20))
    s3.publish_file(tmp_path / "large", "x/large.mp4")
    assert s3._call("head_object", Key=s3._key("x/large.mp4"))["ContentType"] == "video/mp4"


def test_listings_of_many_pages(s3: S3ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(25):
        s3.write_bytes(f"n/{number % 5}/{number:03d}", b"x" * number)
    original = s3._call

    def small_pages(method: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        return original(method, **arguments, **({"MaxKeys": 7} if method == "list_objects_v2" else {}))

    monkeypatch.setattr(s3, "_call", small_pages)
    assert list(s3.list_objects("n")) == sorted((f"n/{number % 5}/{number:03d}", number) for number in range(25))
    assert s3.list_folders("n") == list("01234")
    s3.delete_folder("n")
    assert list(s3.list_objects("")) == []


def test_another_clients_writes_are_seen_at_once(s3: S3ObjectStore, moto_address: str, tmp_path: Path) -> None:
    other = open_store(s3.uri, s3_settings(moto_address, tmp_path))
    assert s3.list_folders("v") == []
    other.write_bytes("v/1/manifest.json", b"{}")
    assert s3.list_folders("v") == ["1"]
    assert s3.exists("v/1/manifest.json")


def test_a_missing_bucket_is_named(moto_address: str, tmp_path: Path) -> None:
    store = open_store("s3://no-such-bucket-here/x", s3_settings(moto_address, tmp_path))
    attempts = (
        store.check_writable,
        lambda: store.write_bytes("a", b""),
        lambda: list(store.list_objects("")),
        lambda: store.read_bytes("a"),
    )
    for attempt in attempts:
        with pytest.raises(StoreError, match=r"the bucket does not exist .*; make it"):
            attempt()


def test_an_unreachable_server_is_known_soon(tmp_path: Path, moto_address: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        store = open_store("s3://bucket/x", s3_settings(address, tmp_path))
        started = time.perf_counter()
        with pytest.raises(StoreError, match=r"cannot write to the store s3://bucket/x: unreachable .*FLOWVQTALKER_S3_ENDPOINT_URL"):
            store.check_writable()
    assert time.perf_counter() - started < 20


def test_missing_credentials_are_named(moto_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    store = open_store("s3://bucket/x", s3_settings(moto_address, tmp_path))
    with pytest.raises(StoreError, match=r"no valid credentials .*AWS_ACCESS_KEY_ID"):
        store.check_writable()


def test_an_unknown_profile_is_named(moto_address: str, tmp_path: Path) -> None:
    settings = Settings(s3_endpoint_url=moto_address, s3_profile="no-such-profile", scratch_dir=tmp_path)
    with pytest.raises(StoreError, match="no valid credentials"):
        open_store("s3://bucket/x", settings).check_writable()


def test_permission_is_named(s3: S3ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(s3fs.S3FileSystem, "pipe_file", refuse)
    with pytest.raises(StoreError, match=r"permission denied .*check what the credentials may do"):
        s3.write_bytes("x", b"")


def test_scratch_is_local_and_goes(s3: S3ObjectStore, tmp_path: Path) -> None:
    folder = s3.scratch_folder()
    assert folder.is_relative_to(tmp_path)
    s3.close()
    assert not folder.exists()


def test_a_full_temporary_folder_is_named(moto_address: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = open_store(f"s3://{new_bucket(moto_address)}", s3_settings(moto_address, tmp_path / "file"))
    with pytest.raises(StoreError, match="cannot make a scratch folder"):
        store.check_writable()


def test_a_request_that_removes_several_says_its_md5() -> None:
    request: dict[str, Any] = {"headers": {}, "body": b"<Delete/>"}
    s3_store._add_md5(request)
    assert request["headers"] == {"Content-MD5": "ePbrFwvNFIRnzBrIv+T8Ag=="}
