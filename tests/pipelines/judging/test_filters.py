"""Builds that judges take part in: what they say of a part, what is left out of a version, and that nothing is said twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.managed_store import ManagedStore
from pipelines.dataset.version_identity import hashed_spec
from pipelines.dataset.version_tables import VersionTable, read_rows
from pipelines.judging.filters import judge_filters, judge_names, with_named_judges
from pipelines.judging.part_judgements import Judgements, JudgeName, judge_part_clips
from storage_schemas.build_spec import BuildSpec, JudgeSettings
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.judge_runs import JUDGED_EMOTIONS
from storage_schemas.judgements import ClipJudgement, PartJudgements
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family
from storage_schemas.training_runs import RunKind
from tests.factories.dataset_versions import local_store
from tests.factories.judge_runs import store_judge
from tests.factories.talking_versions import TalkingRecording, publish_talking, talking_part

RECORDINGS = (TalkingRecording(0), TalkingRecording(1), TalkingRecording(2, seen=False), TalkingRecording(3, frames=10))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ManagedStore]:
    with local_store(tmp_path / "store") as opened:
        store_judge(opened, RunKind.SYNC)
        store_judge(opened, RunKind.EMOTION)
        yield opened


def judged(store: ManagedStore, settings: JudgeSettings) -> tuple[dict[Family, str], list[JudgeName]]:
    """Have the judges of some settings look at RECORDINGS."""
    keys = {family: stored.index.key for family, stored in talking_part(store, RECORDINGS).indices.items()}
    judges = judge_names(store, settings)
    for judge in judges:
        judge_part_clips(store, judge, keys)
    return keys, judges


def overwrite(store: ObjectStore, judge: JudgeName, keys: dict[Family, str], clips: dict[str, ClipJudgement]) -> None:
    """Have a judge say what a test needs."""
    parts = judge.parts_of_keys(keys)
    record = PartJudgements(kind=judge.kind, run_id=judge.run_id, weights_sha256=judge.weights_sha256, parts=parts, clips=clips)
    store.write_bytes(f"{judge.path(parts)}/judgements.json", record.model_dump_json().encode())


def rows_of(store: ManagedStore, manifest: VersionManifest) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Return the clips of a version, and item, reason and message of its rejections."""
    clips = [row["clip_id"] for row in read_rows(store, manifest.dataset_version, VersionTable.CLIPS)]
    found = read_rows(store, manifest.dataset_version, VersionTable.REJECTIONS)
    return clips, [(row["item_id"], row["reason"], row["message"]) for row in found]


def key_of(recording: TalkingRecording) -> str:
    return recording.listed().clips()[0].clip_key


def test_every_clip_that_can_be_judged_is_judged_once(store: ManagedStore) -> None:
    keys, judges = judged(store, JudgeSettings(sync="latest", emotion="emotion/latest"))
    sync, emotion = (Judgements(store, judge)._read(judge.path(judge.parts_of_keys(keys))) for judge in judges)
    assert set(sync) == {key_of(RECORDINGS[0]), key_of(RECORDINGS[1])}
    assert set(emotion) == {key_of(recording) for recording in (*RECORDINGS[:2], RECORDINGS[3])}
    assert sum(emotion[key_of(RECORDINGS[0])].probabilities) == pytest.approx(1.0, abs=1e-4)
    assert [judge_part_clips(store, judge, keys) for judge in judges] == [0, 0]


def test_sound_out_of_step_and_lips_of_no_sound_are_left_out(store: ManagedStore) -> None:
    settings = JudgeSettings(sync="latest", max_offset_frames=3, min_sync_confidence=0.1)
    keys, (judge,) = judged(store, settings)
    said = {
        key_of(RECORDINGS[0]): ClipJudgement(offset_frames=-4, confidence=0.5),
        key_of(RECORDINGS[1]): ClipJudgement(offset_frames=3, confidence=0.05),
    }
    overwrite(store, judge, keys, said)
    manifest = publish_talking(store, RECORDINGS, judge_filters(store, settings))
    clips, rejections = rows_of(store, manifest)
    assert clips == ["talk/002_000", "talk/003_000"]
    assert [(item, reason) for item, reason, _ in rejections] == [("talk/000_000", "sync_offset"), ("talk/001_000", "sync_confidence")]
    assert "within 3 frames of its pictures, found it -4 frames late" in rejections[0][2]
    assert manifest.keep_rates["filter:sync_offset"] == 0.75
    assert manifest.keep_rates["filter:sync_confidence"] == pytest.approx(2 / 3, abs=1e-6)


def test_wrong_labels_are_left_out(store: ManagedStore) -> None:
    settings = JudgeSettings(emotion="latest", min_label_probability=0.2)
    keys, (judge,) = judged(store, settings)
    sure = [0.93 if emotion == JUDGED_EMOTIONS[1] else 0.01 for emotion in JUDGED_EMOTIONS]
    overwrite(store, judge, keys, {key_of(recording): ClipJudgement(probabilities=sure) for recording in RECORDINGS[:2]})
    manifest = publish_talking(store, RECORDINGS, judge_filters(store, settings))
    clips, rejections = rows_of(store, manifest)
    assert clips == ["talk/001_000", "talk/002_000", "talk/003_000"]
    assert [(item, reason) for item, reason, _ in rejections] == [("talk/000_000", "wrong_label")]
    assert f"found {JUDGED_EMOTIONS[0]} with 0.01; the judge sees {JUDGED_EMOTIONS[1]}" in rejections[0][2]
    assert manifest.keep_rates["filter:wrong_label"] == 0.75


def test_judges_are_part_of_the_settings_by_their_whole_names(store: ManagedStore) -> None:
    spec = with_named_judges(store, BuildSpec(judges=JudgeSettings(sync="latest")))
    (judge,) = judge_names(store, spec.judges)
    assert spec.judges.sync == f"sync/{judge.run_id}"
    assert hashed_spec(spec)["judges"]["sync"] == f"sync/{judge.run_id}"
    assert "judges" not in hashed_spec(BuildSpec())
    assert with_named_judges(store, BuildSpec()) == BuildSpec()
    with pytest.raises(BadInputError, match="0 finished runs"):
        with_named_judges(store, BuildSpec(judges=JudgeSettings(emotion="ffff")))


def test_judgements_that_are_gone_or_damaged(store: ManagedStore) -> None:
    settings = JudgeSettings(sync="latest")
    keys, (judge,) = judged(store, settings)
    path = judge.path(judge.parts_of_keys(keys))
    store.write_bytes(f"{path}/judgements.json", b"{}")
    with pytest.raises(StoreError, match="is damaged; remove the folder"):
        publish_talking(store, RECORDINGS, judge_filters(store, settings))
    store.delete_folder(path)
    with pytest.raises(StoreError, match="run the same command again"):
        publish_talking(store, RECORDINGS, judge_filters(store, settings))
