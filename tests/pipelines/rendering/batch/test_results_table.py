from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.rendering.batch.list_results import finish_list
from pipelines.rendering.batch.results_table import ResultsJournal, read_results, segment_paths
from storage_schemas.errors import StoreError
from storage_schemas.render_results import MANIFEST_FILE, RESULTS_FILE, ClipResult, ClipStatus, RenderManifest
from tests.factories.dataset_versions import local_store


def result(row: int, status: ClipStatus = ClipStatus.DONE) -> ClipResult:
    return ClipResult(row=row, take=0, status=status, clip_id="ab", thumbnail=b"x")


def test_records_are_there_as_soon_as_they_are_flushed_and_the_last_one_counts(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        journal = ResultsJournal(store)
        for row in range(70):
            journal.add(result(row, ClipStatus.FAILED))
        assert len(read_results(store)) == 64
        journal.flush()
        other = ResultsJournal(store)
        other.add(result(3))
        other.flush()
        other.flush()
        assert len(segment_paths(store)) == 3
        finish_list(store, [result(row) for row in range(70)], scripts="a/list.csv", scripts_sha256="", models=["vqig/1"], finished="now")
        assert segment_paths(store) == []
        assert {found.status for found in read_results(store).values()} == {ClipStatus.DONE}
        manifest = RenderManifest.model_validate_json(store.read_bytes(MANIFEST_FILE))
    assert (manifest.clips, manifest.clips_done, manifest.clips_failed) == (70, 70, 0)


def test_a_foreign_file_in_the_way_is_named(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        store.write_bytes(RESULTS_FILE, b"no table")
        with pytest.raises(StoreError, match=r"results.parquet: expected a table of rendered clips"):
            read_results(store)
