from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from infra.managed_store import ManagedStore
from pipelines.dataset.collecting import KeepPolicy, collect_garbage
from pipelines.dataset.verifying import verify_version
from pipelines.dataset.versions import set_tag, version_ids
from storage_schemas.errors import BadInputError, StoreError
from tests.factories.dataset_parts import SyntheticRecording, store_part
from tests.factories.dataset_versions import local_store, publish

LATER = time.time() + 100_000
ORPHAN = SyntheticRecording("orphan")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "scratch" not in path.parts}


def age(folder: Path, seconds: float) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - seconds,) * 2)


def test_removes_parts_that_no_version_names_and_nothing_else(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        version = publish(store).dataset_version
        before = files(tmp_path)
        store_part(store, [ORPHAN])
        garbage = files(tmp_path) - before
        size = sum((tmp_path / path).stat().st_size for path in garbage)
        preview = collect_garbage(store, KeepPolicy(), dry_run=True, now_s=LATER)
        assert files(tmp_path) == before | garbage
        done = collect_garbage(store, KeepPolicy(), dry_run=False, now_s=LATER)
        assert files(tmp_path) == before
        assert verify_version(store, version) == []
        assert collect_garbage(store, KeepPolicy(), dry_run=False, now_s=LATER).bytes_freed == 0
    assert done == preview.model_copy(update={"dry_run": False})
    assert (len(done.parts), done.objects_removed, done.bytes_freed) == (3, len(garbage), size)


def test_what_is_young_is_kept(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        store_part(store, [ORPHAN])
        assert collect_garbage(store, KeepPolicy(), dry_run=False).kept_young == 3
        age(tmp_path / "parts", 3700)
        (tmp_path / "parts" / "frames").joinpath(next(iter(files(tmp_path / "parts" / "frames")))).touch()
        found = collect_garbage(store, KeepPolicy(), dry_run=False)
    assert (found.kept_young, len(found.parts)) == (1, 2)


def test_parts_shared_with_a_version_that_goes_stay(tmp_path: Path) -> None:
    recordings = [SyntheticRecording(name) for name in "abcd"]
    with local_store(tmp_path) as store:
        old = publish(store, recordings[:2], created="2026-01-01").dataset_version
        new = publish(store, recordings, created="2026-01-02").dataset_version
        gone = publish(store, [SyntheticRecording("z")], created="2026-01-03").dataset_version
        set_tag(store, "paper", new, moved="now")
        found = collect_garbage(store, KeepPolicy(untagged=False), dry_run=False, now_s=LATER)
        assert verify_version(store, new) == []
        assert version_ids(store) == [new]
    assert found.versions == sorted([old, gone])
    assert len(found.parts) == 3


def test_the_newest_untagged_versions_may_stay(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        versions = [publish(store, [SyntheticRecording(name)], created=f"2026-01-0{day}") for day, name in enumerate("abc", start=1)]
        found = collect_garbage(store, KeepPolicy(untagged=False, newest=2), dry_run=True, now_s=LATER)
        assert found.versions == [versions[0].dataset_version]
        assert collect_garbage(store, KeepPolicy(untagged=False, newest=9), dry_run=True, now_s=LATER).versions == []


def test_a_version_that_a_run_was_trained_on_stays(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        versions = [publish(store, [SyntheticRecording(name)], created=f"2026-01-0{day}") for day, name in enumerate("abc", start=1)]
        store.write_bytes("runs/vqig/0/config.json", json.dumps({"dataset": versions[1].dataset_version}).encode())
        found = collect_garbage(store, KeepPolicy(untagged=False), dry_run=False, now_s=LATER)
        assert version_ids(store) == [versions[1].dataset_version]
        assert verify_version(store, versions[1].dataset_version) == []
    assert len(found.versions) == 2


def test_young_versions_stay_whatever_the_policy(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        version = publish(store).dataset_version
        found = collect_garbage(store, KeepPolicy(untagged=False), dry_run=False)
        assert verify_version(store, version) == []
    assert (found.versions, found.parts, found.kept_young) == ([], [], 1)


def test_unfinished_versions_go(tmp_path: Path) -> None:
    leftover = tmp_path / "versions" / ("0" * 16)
    leftover.mkdir(parents=True)
    (leftover / "clips.parquet").write_bytes(b"half")
    with local_store(tmp_path) as store:
        assert collect_garbage(store, KeepPolicy(), dry_run=False).unfinished_versions == []
        assert collect_garbage(store, KeepPolicy(), dry_run=False, now_s=LATER).unfinished_versions == [f"versions/{'0' * 16}"]
    assert not leftover.exists()


def test_an_unreadable_version_stops_everything(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        version = publish(store).dataset_version
        store_part(store, [ORPHAN])
        store.write_bytes(f"versions/{version}/objects.parquet", b"damaged")
        before = files(tmp_path)
        with pytest.raises(StoreError, match=f"version {version}: its objects table cannot be read"):
            collect_garbage(store, KeepPolicy(), dry_run=False, now_s=LATER)
    assert files(tmp_path) == before


def test_a_version_of_a_newer_format_stops_everything(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        version = publish(store).dataset_version
        store.write_bytes(f"versions/{version}/manifest.json", b'{"format": 9}')
        before = files(tmp_path)
        with pytest.raises(BadInputError, match="format 9 is newer"):
            collect_garbage(store, KeepPolicy(), dry_run=False, now_s=LATER)
    assert files(tmp_path) == before


def test_a_version_published_meanwhile_keeps_its_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_store(tmp_path) as store:
        store_part(store, [ORPHAN])

        def publishing_meanwhile(path: str) -> float:
            monkeypatch.undo()
            publish(store, [ORPHAN])
            return store.modified_s(path)

        monkeypatch.setattr(store, "modified_s", publishing_meanwhile)
        found = collect_garbage(store, KeepPolicy(), dry_run=False, now_s=LATER)
        assert found.parts == []
        assert verify_version(store, version_ids(store)[0]) == []


def test_stale_scratch_is_left_to_the_store(tmp_path: Path) -> None:
    calls: list[int] = []

    def remove() -> int:
        calls.append(1)
        return 3

    with local_store(tmp_path) as store:
        assert collect_garbage(store, KeepPolicy(), dry_run=True, remove_stale_scratch=remove).scratch_folders == 0
        assert collect_garbage(store, KeepPolicy(), dry_run=False, remove_stale_scratch=remove).scratch_folders == 3
    assert calls == [1]


def test_an_empty_store_has_no_garbage(tmp_path: Path) -> None:
    with local_store(tmp_path / "nowhere") as store:
        assert collect_garbage(store, KeepPolicy(), dry_run=False).bytes_freed == 0


def test_other_files_under_parts_are_nobodys_business(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        assert isinstance(store, ManagedStore)
        store.write_bytes("parts/README", b"mine")
        store.write_bytes("parts/frames/notes.txt", b"mine")
        assert collect_garbage(store, KeepPolicy(), dry_run=False, now_s=LATER).objects_removed == 0
    assert (tmp_path / "parts/README").exists()
