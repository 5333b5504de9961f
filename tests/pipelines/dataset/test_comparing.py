from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from pipelines.dataset.comparing import Change, Verdict, diff_versions
from storage_schemas.build_spec import CropSettings
from storage_schemas.errors import BadInputError
from storage_schemas.rejections import Rejection, RejectionReason, Stage
from tests.factories.dataset_parts import SPEC, SyntheticRecording
from tests.factories.dataset_versions import description, local_store, publish

BASE = [SyntheticRecording(name) for name in "acde"]


def lost(recording_id: str, message: str = "m", **values: object) -> Rejection:
    return Rejection(
        item_id=recording_id, recording_id=recording_id, stage=Stage.DISCOVER, reason=RejectionReason.EMPTY_FILE, message=message, **values
    )


def test_a_version_is_identical_to_itself(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        version = publish(store, BASE, rejections=[lost("x")]).dataset_version
        diff = diff_versions(store, version, version[:7])
    assert diff.verdict is Verdict.IDENTICAL
    assert diff.clip_counts == {"added": 0, "removed": 0, "changed": 0, "relabelled": 0, "moved": 0, "same": 4}
    assert diff.rejection_counts["same"] == 1
    assert (diff.clips, diff.rejections, diff.spec) == ([], [], {})


def test_every_kind_of_change_is_told_apart(tmp_path: Path) -> None:
    changed = [
        SyntheticRecording("a", emotion="happy"),
        SyntheticRecording("b"),
        SyntheticRecording("d", seed=1),
        SyntheticRecording("e"),
    ]
    with local_store(tmp_path) as store:
        before = publish(store, BASE, per_part=1).dataset_version
        after = publish(store, changed, per_part=1).dataset_version
        diff = diff_versions(store, before, after)
    assert diff.verdict is Verdict.DIFFERENT
    assert {item.item_id: item.change for item in diff.clips} == {
        "a_000": Change.RELABELLED, "b_000": Change.ADDED, "c_000": Change.REMOVED, "d_000": Change.CHANGED,
    }  # fmt: skip
    fields = {item.item_id: item.fields for item in diff.clips}
    assert fields["a_000"] == {"emotion": ("angry", "happy")}
    assert {"frames_sha256", "landmarks_sha256", "audio_sha256", "source_sha256", "frames_part"} <= set(fields["d_000"])
    assert diff.clip_counts["same"] == 1
    assert orjson.loads(diff.model_dump_json())["clip_counts"] == diff.clip_counts


def test_the_same_clips_in_other_parts_have_moved(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        diff = diff_versions(store, publish(store, BASE, per_part=1).dataset_version, publish(store, BASE, per_part=2).dataset_version)
    assert diff.clip_counts == {"added": 0, "removed": 0, "changed": 0, "relabelled": 0, "moved": 4, "same": 0}
    assert diff.verdict is Verdict.SAME_RECIPE_OTHER_BYTES


def test_same_recipe_other_bytes_names_the_libraries(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        before = publish(store, BASE).dataset_version
        after = publish(store, BASE, described=description(software={"av": "19.0.0", "new": "1"})).dataset_version
        diff = diff_versions(store, before, after)
    assert diff.verdict is Verdict.SAME_RECIPE_OTHER_BYTES
    assert diff.software == {"av": ("18.1.0", "19.0.0"), "new": (None, "1")}


def test_spec_differences_are_named_by_their_path(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"name": "other", "crop": CropSettings(size_px=64, margin=0.5)})
    with local_store(tmp_path) as store:
        after = publish(store, BASE, described=description(spec, stage_versions={"track": 2})).dataset_version
        diff = diff_versions(store, publish(store, BASE).dataset_version, after)
    assert diff.spec == {"crop.margin": (0.4, 0.5), "name": ("synthetic", "other")}
    assert diff.stage_versions == {"track": (1, 2)}


def test_rejections_are_compared_even_where_keys_repeat(tmp_path: Path) -> None:
    before = [lost("x", "first"), lost("x", "second"), lost("y")]
    after = [lost("x", "first"), lost("y", "other words"), lost("z")]
    with local_store(tmp_path) as store:
        diff = diff_versions(
            store, publish(store, BASE, rejections=before).dataset_version, publish(store, BASE, rejections=after).dataset_version
        )
    assert diff.rejection_counts == {"added": 1, "removed": 1, "changed": 1, "relabelled": 0, "moved": 0, "same": 1}
    assert {(item.item_id, item.change) for item in diff.rejections} == {
        ("x", Change.REMOVED), ("y", Change.CHANGED), ("z", Change.ADDED),
    }  # fmt: skip


def test_lists_are_limited_and_counts_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.dataset.version_tables.ROW_GROUP_ROWS", 2)
    many = [SyntheticRecording(f"{number:02d}", (1,)) for number in range(9)]
    with local_store(tmp_path) as store:
        before = publish(store, many[:2], per_part=9).dataset_version
        diff = diff_versions(store, before, publish(store, many, per_part=2).dataset_version, limit=3)
    assert diff.clip_counts["added"] == 7
    assert [item.item_id for item in diff.clips if item.change is Change.ADDED] == ["02_000", "03_000", "04_000"]


def test_unknown_versions_are_bad_input(tmp_path: Path) -> None:
    with local_store(tmp_path) as store, pytest.raises(BadInputError):
        diff_versions(store, "one", "two")
