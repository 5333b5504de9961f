from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from infra.object_store import open_store
from infra.settings import Settings
from storage_schemas.errors import StoreError
from storage_schemas.running_build import RUNNING_BUILDS_FOLDER
from tasks.build_marking import marked_as_running
from tests.factories.file_systems import make_read_only, tiny_file_system


def test_the_mark_is_renewed_while_the_build_runs_and_removed_after(tmp_path: Path) -> None:
    with open_store(str(tmp_path), Settings()) as store:
        with marked_as_running(str(tmp_path), "demo", beat_s=0.02):
            (path,) = (path for path, _ in store.list_objects(RUNNING_BUILDS_FOLDER))
            first_s = store.modified_s(path)
            deadline = time.perf_counter() + 10
            while store.modified_s(path) == first_s and time.perf_counter() < deadline:
                time.sleep(0.02)
            assert store.modified_s(path) > first_s
        assert list(store.list_objects(RUNNING_BUILDS_FOLDER)) == []


def test_a_failing_build_takes_its_mark_away(tmp_path: Path) -> None:
    with pytest.raises(KeyError), marked_as_running(str(tmp_path), "demo"):
        raise KeyError
    assert list((tmp_path / RUNNING_BUILDS_FOLDER).rglob("*.json")) == []


def test_two_builds_have_marks_of_their_own(tmp_path: Path) -> None:
    with marked_as_running(str(tmp_path), "one"), marked_as_running(str(tmp_path), "two"):
        assert len(list((tmp_path / RUNNING_BUILDS_FOLDER).iterdir())) == 2


def test_a_store_that_cannot_be_written_is_found_out_at_once() -> None:
    with tiny_file_system() as folder:
        make_read_only(folder)
        with pytest.raises(StoreError, match="read-only"), marked_as_running(str(folder / "store"), "demo"):
            pytest.fail("the build began")


def test_a_store_that_fills_up_meanwhile_does_not_hide_the_builds_own_error() -> None:
    with tiny_file_system() as folder, pytest.raises(KeyError), marked_as_running(str(folder), "demo", beat_s=0.02):
        _fill(folder)


def _fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass
    time.sleep(0.2)
    raise KeyError
