from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zarr

from infra.local_store import LocalObjectStore
from pipelines.dataset.packing import pack_part
from pipelines.dataset.part_arrays import layout_of
from pipelines.dataset.part_store import PartStore, open_part_array
from storage_schemas.errors import StoreError
from storage_schemas.part_layout import PART_INDEX_FILE, Family, part_path
from tests.factories.staged_recordings import stage_recording

KEY = "c" * 32
FOLDER = f"{part_path(Family.LANDMARKS, KEY)}/landmarks.zarr"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LocalObjectStore]:
    with LocalObjectStore(tmp_path / "store", fsync=False) as opened:
        stage_recording(tmp_path / "s", "r", (200,))
        pack_part(Family.LANDMARKS, KEY, [tmp_path / "s"], opened.scratch_folder() / "part")
        opened.publish_folder(next(opened.root.glob("scratch/*/*/part")), part_path(Family.LANDMARKS, KEY), PART_INDEX_FILE)
        yield opened


def test_every_way_of_indexing_agrees_with_zarrs_own_store(store: LocalObjectStore) -> None:
    ours = open_part_array(store, KEY, layout_of("landmarks"))
    zarrs = zarr.open_array(store.root / FOLDER / "landmarks", mode="r")
    for rows in (slice(None), slice(0, 1), slice(63, 65), slice(130, 200), slice(5, 5)):
        np.testing.assert_array_equal(np.asarray(ours[rows]), np.asarray(zarrs[rows]))


def test_only_the_chunks_that_are_needed_are_read(store: LocalObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    array = open_part_array(store, KEY, layout_of("landmarks"))
    read = 0
    original = store.read_range

    def spy(path: str, start: int, count: int) -> bytes:
        nonlocal read
        data = original(path, start, count)
        read += len(data)
        return data

    def refuse(path: str) -> bytes:
        raise AssertionError(f"{path} was read whole")

    monkeypatch.setattr(store, "read_range", spy)
    monkeypatch.setattr(store, "read_bytes", refuse)
    assert np.asarray(array[70:80]).shape == (10, 478, 3)
    assert read < 64 * 478 * 3 * 4 + 64 * 16 + 8


def test_parts_cannot_be_written(store: LocalObjectStore) -> None:
    array = open_part_array(store, KEY, layout_of("landmarks"))
    with pytest.raises(ValueError, match="read-only"):
        array[0:64] = 0


def test_a_missing_chunk_file_is_no_zeros(store: LocalObjectStore) -> None:
    array = open_part_array(store, KEY, layout_of("landmarks"))
    store.delete(f"{FOLDER}/landmarks/c/0/0/0")
    with pytest.raises(FileNotFoundError, match="is missing, although the array is there"):
        array[0:1]


def test_another_array_is_refused(store: LocalObjectStore) -> None:
    store.write_bytes(f"{FOLDER}/landmarks/zarr.json", store.read_bytes(f"{FOLDER}/detected/zarr.json"))
    with pytest.raises(StoreError, match="expected float32 rows"):
        open_part_array(store, KEY, layout_of("landmarks"))


def test_stores_compare_by_place(store: LocalObjectStore) -> None:
    assert PartStore(store, "a") == PartStore(store, "a") != PartStore(store, "b")
    assert len({PartStore(store, "a"), PartStore(store, "a")}) == 1
