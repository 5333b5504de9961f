"""Builds in which trained judges take part: what is left out, what the version is called, and that nothing is judged twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.dataset.versions import list_versions, read_manifest
from storage_schemas.training_runs import RunKind
from tests.factories.build_processes import CommandLine
from tests.factories.dataset_versions import local_store
from tests.factories.judge_runs import store_judge

SPEC = "name: small\nlayout: demo\ncrop: {size_px: 128}\nparts: {target_recordings: 2}\nface_model: {enabled: false}\n"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_judges_leave_clips_out_with_keep_rates(tmp_path: Path, demo_corpus: Path, command_line: CommandLine) -> None:
    plain, judged = tmp_path / "plain.yaml", tmp_path / "judged.yaml"
    plain.write_text(SPEC)
    judged.write_text(SPEC + "judges: {sync: sync/latest, min_sync_confidence: 9, max_offset_frames: 15, emotion: latest}\n")
    with local_store(tmp_path / "store") as store:
        before = command_line.build(plain, demo_corpus, store.uri)
        run_id = store_judge(store, RunKind.SYNC)
        store_judge(store, RunKind.EMOTION)
        after = command_line.build(judged, demo_corpus, store.uri)
        assert before["rejections_by_reason"] == {}
        assert after["rejections_by_reason"] == {"sync_confidence": 4}  # nothing stands out as far as was asked for
        assert (after["clips_accepted"], after["parts_built"]) == (0, 0)
        manifest = read_manifest(store, after["dataset_version"])
        assert manifest.keep_rates["filter:sync_confidence"] == 0
        assert manifest.spec.judges.sync == f"sync/{run_id}"
        made = {path: store.modified_s(path) for path, _ in store.list_objects("parts/judgements")}
        assert len(made) == 2 * before["parts_total"]
        again = command_line.build(judged, demo_corpus, store.uri)
        assert again["unchanged"]
        assert {path: store.modified_s(path) for path in made} == made
        assert len(list_versions(store)) == 2
    assert command_line.orphans() == []
