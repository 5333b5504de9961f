from __future__ import annotations

import os
import time
from pathlib import Path

from pipelines.dataset.collecting import KeepPolicy, collect_garbage
from pipelines.dataset.running_builds import LEAST_GRACE_S, mark_path, marks_by_age, write_mark
from pipelines.dataset.verifying import verify_version
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.running_build import RunningBuild
from tests.factories.dataset_parts import SyntheticRecording, store_part
from tests.factories.dataset_versions import local_store, publish

BUILD = RunningBuild(name="demo", host="here", started="2026-01-01T00:00:00Z")
DAY_S = 86_400.0


def _age(root: Path, folder: str, seconds: float) -> None:
    for path in (root / folder).rglob("*"):
        os.utime(path, (time.time() - seconds,) * 2)


def _stage(store: ObjectStore, key: str) -> str:
    store.write_bytes(f"staging/{key[:2]}/{key}/frames.tar", b"frames")
    store.write_bytes(f"staging/{key[:2]}/{key}/outcome.json", b"{}")
    return f"staging/{key[:2]}/{key}"


def test_marks_are_running_until_they_are_old(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        write_mark(store, "ab", BUILD)
        now = time.time()
        assert marks_by_age(store, now, 0.0) == ([mark_path("ab")], [])
        assert marks_by_age(store, now + LEAST_GRACE_S + 1, 0.0) == ([], [mark_path("ab")])
        assert marks_by_age(store, now + LEAST_GRACE_S + 1, DAY_S) == ([mark_path("ab")], [])
        assert RunningBuild.model_validate_json(store.read_bytes(mark_path("ab"))) == BUILD


def test_while_a_build_runs_nothing_goes_however_old(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        version = publish(store).dataset_version
        store_part(store, [SyntheticRecording("orphan")])
        staged = _stage(store, "ab12")
        for folder in ("parts", "staging", "versions"):
            _age(tmp_path, folder, DAY_S)
        write_mark(store, "ab", BUILD)
        found = collect_garbage(store, KeepPolicy(untagged=False), dry_run=False)
        assert (found.running_builds, found.kept_for_builds > 5, found.objects_removed, found.builds) == (1, True, 0, [])
        assert store.exists(f"{staged}/outcome.json")
        assert verify_version(store, version) == []


def test_the_mark_of_a_dead_build_goes_with_what_it_left(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        version = publish(store).dataset_version
        store_part(store, [SyntheticRecording("orphan")])
        staged = _stage(store, "ab12")
        write_mark(store, "ab", BUILD)
        for folder in ("parts", "staging", "versions", "builds"):
            _age(tmp_path, folder, DAY_S)
        preview = collect_garbage(store, KeepPolicy(), dry_run=True)
        assert store.exists(mark_path("ab"))
        done = collect_garbage(store, KeepPolicy(), dry_run=False)
        assert done == preview.model_copy(update={"dry_run": False})
        assert (done.staged, done.builds, len(done.parts), done.running_builds) == ([staged], [mark_path("ab")], 3, 0)
        assert verify_version(store, version) == []
    assert not (tmp_path / "staging").exists()
    assert not (tmp_path / "builds").exists()


def test_young_staged_recordings_stay(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        _stage(store, "ab12")
        old = _stage(store, "cd34")
        _age(tmp_path, "staging/cd", 3700)
        found = collect_garbage(store, KeepPolicy(), dry_run=False)
        assert (found.staged, found.kept_young) == ([old], 1)


def test_a_build_that_begins_meanwhile_stops_the_collection(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        store_part(store, [SyntheticRecording("orphan")])
        _age(tmp_path, "parts", DAY_S)
        remove = store.delete_folder

        def removing(path: str) -> None:
            remove(path)
            write_mark(store, "ab", BUILD)

        store.delete_folder = removing  # type: ignore[method-assign]
        found = collect_garbage(store, KeepPolicy(), dry_run=False)
    assert (len(found.parts), found.kept_for_builds) == (1, 2)
