from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from pipelines.dataset.versions import (
    delete_tag,
    list_tags,
    list_versions,
    load_manifest,
    parse_manifest,
    read_tag,
    resolve_version,
    set_tag,
    version_ids,
)
from storage_schemas.errors import BadInputError, StoreError
from tests.factories.dataset_parts import SyntheticRecording
from tests.factories.dataset_versions import local_store, publish

MOVED = "2026-02-01T00:00:00Z"


def test_an_empty_store_has_no_versions(tmp_path: Path) -> None:
    with local_store(tmp_path / "store") as store:
        assert list_versions(store) == []
        assert list_tags(store) == []
        with pytest.raises(BadInputError, match=r"no version or tag 'latest'; it has no versions yet"):
            load_manifest(store, "latest")


def test_versions_by_id_prefix_and_tag(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        second = publish(store, [SyntheticRecording("b")], created="2026-01-02T00:00:00Z")
        first = publish(store, [SyntheticRecording("a")])
        set_tag(store, "latest", second.dataset_version, moved=MOVED)
        assert list_versions(store) == [first, second]
        assert load_manifest(store, first.dataset_version) == first
        assert load_manifest(store, second.dataset_version[:6]) == second
        assert load_manifest(store, "latest") == second
        with pytest.raises(BadInputError, match="did you mean latest"):
            load_manifest(store, "lastest")
        with pytest.raises(BadInputError, match=first.dataset_version):
            load_manifest(store, first.dataset_version[:12] + "zzzz")
        with pytest.raises(BadInputError, match="no version or tag"):
            load_manifest(store, first.dataset_version[:2])


def test_an_ambiguous_prefix_names_the_versions(tmp_path: Path) -> None:
    ids = ["abcd" + "0" * 12, "abcd" + "1" * 12]
    for version_id in ids:
        folder = tmp_path / "versions" / version_id
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_bytes(b"{}")
    with local_store(tmp_path) as store:
        assert version_ids(store) == ids
        with pytest.raises(BadInputError, match=f"{ids[0]}, {ids[1]}; give more digits"):
            resolve_version(store, "abcd")


@pytest.mark.parametrize("name", ["../x", "a/b", "", " ", "-x", "a" * 65, "x\n"])
def test_names_that_are_no_names_are_refused(tmp_path: Path, name: str) -> None:
    with local_store(tmp_path) as store:
        with pytest.raises(BadInputError, match="neither a version id nor a tag"):
            load_manifest(store, name)
        with pytest.raises(BadInputError, match="letters, digits"):
            set_tag(store, name, "latest", moved=MOVED)


def test_tags_are_set_moved_listed_and_deleted(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        first, second = publish(store, [SyntheticRecording("a")]), publish(store, [SyntheticRecording("b")])
        set_tag(store, "v1.0", first.dataset_version[:8], moved=MOVED)
        set_tag(store, "latest", "v1.0", moved=MOVED)
        assert [tag.name for tag in list_tags(store)] == ["latest", "v1.0"]
        assert set_tag(store, "latest", second.dataset_version, moved="later").dataset_version == second.dataset_version
        assert read_tag(store, "latest").moved == "later"
        assert load_manifest(store, "v1.0") == first
        delete_tag(store, "latest")
        assert [tag.name for tag in list_tags(store)] == ["v1.0"]
        with pytest.raises(BadInputError, match="no tag 'latest'"):
            delete_tag(store, "latest")


@pytest.mark.parametrize("name", ["beef", "DEAD", "0123456789abcdef", "2024"])
def test_tags_that_look_like_ids_are_refused(tmp_path: Path, name: str) -> None:
    with local_store(tmp_path) as store:
        version_id = publish(store, [SyntheticRecording("a")]).dataset_version
        with pytest.raises(BadInputError, match="beginning of a version id"):
            set_tag(store, name, version_id, moved=MOVED)


def test_a_tag_needs_a_version(tmp_path: Path) -> None:
    with local_store(tmp_path) as store, pytest.raises(BadInputError, match="no version or tag"):
        set_tag(store, "latest", "0123456789abcdef", moved=MOVED)


def test_a_tag_whose_version_is_gone_says_so(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        manifest = publish(store, [SyntheticRecording("a")])
        set_tag(store, "latest", manifest.dataset_version, moved=MOVED)
        store.delete_folder(f"versions/{manifest.dataset_version}")
        with pytest.raises(BadInputError, match="points at version"):
            load_manifest(store, "latest")


def test_a_damaged_tag_says_so(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        store.write_bytes("tags/latest.json", b'{"name": "latest"}')
        with pytest.raises(StoreError, match=r"tags/latest\.json: expected a tag"):
            load_manifest(store, "latest")


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        manifest = publish(store, [SyntheticRecording("a")])
        path = f"versions/{manifest.dataset_version}/manifest.json"
        values = orjson.loads(store.read_bytes(path)) | {"format": 3, "something_new": 1}
        store.write_bytes(path, orjson.dumps(values))
        with pytest.raises(BadInputError, match=r"format 3 is newer than format 2.*update flowvqtalker"):
            load_manifest(store, manifest.dataset_version)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format": 1}', b'"x"', b"\xff\xfe"])
def test_what_is_no_manifest_says_so(data: bytes) -> None:
    with pytest.raises(StoreError, match=r"m\.json: expected"):
        parse_manifest(data, "m.json")
