from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipelines.dataset.clip_rows import (
    BuiltPart,
    ClipFilter,
    PartRows,
    RowBuilder,
    StoredIndex,
    clip_number,
    read_built_part,
    with_splits,
)
from pipelines.dataset.version_counts import keep_rates, manifest_counts
from storage_schemas.clips import CLIP_SCHEMA
from storage_schemas.errors import BuildFailedError
from storage_schemas.identifiers import canonical_json_bytes
from storage_schemas.part_layout import Family
from storage_schemas.rejections import REJECTION_SCHEMA, Rejection, RejectionReason, Stage
from tests.factories.dataset_parts import SyntheticRecording, split_table, store_part
from tests.factories.dataset_versions import local_store


def rejection(item_id: str, reason: RejectionReason, stage: Stage = Stage.TRACK, **values: object) -> Rejection:
    return Rejection(item_id=item_id, recording_id=item_id.rpartition("_")[0] or item_id, stage=stage, reason=reason, message="m", **values)


def rows_of(folder: Path, *recordings: SyntheticRecording, builder: RowBuilder | None = None) -> tuple[PartRows, RowBuilder]:
    builder = builder or RowBuilder(audio_required=True)
    with local_store(folder) as store:
        return builder.rows_of(store_part(store, list(recordings))), builder


def column(rows: list[tuple[object, ...]], name: str, schema: object = CLIP_SCHEMA) -> list[object]:
    return [row[schema.names.index(name)] for row in rows]  # type: ignore[attr-defined]


def test_clip_rows_hold_labels_places_and_hashes(tmp_path: Path) -> None:
    rows, builder = rows_of(tmp_path, SyntheticRecording("a", (3, 2)), SyntheticRecording("b", (4,), speaker="W009", split="test"))
    assert column(rows.clips, "clip_id") == ["a_000", "a_001", "b_000"]
    assert column(rows.clips, "split") == ["train", "train", "test"]
    assert column(rows.clips, "landmarks_start") == [0, 3, 5]
    assert column(rows.clips, "waveform_start") == [0, 1920, 3200]
    assert column(rows.clips, "waveform_samples") == [1920, 1280, 2560]
    assert column(rows.clips, "duration_s") == [0.12, 0.08, 0.16]
    assert all(len(str(value)) == 64 for value in column(rows.clips, "audio_sha256"))
    assert manifest_counts(builder.counts) == {
        "recordings": 2, "recordings_kept": 2, "clips": 3, "rejections": 0, "frames": 9, "objects": len(rows.objects),
        "bytes": sum(row[1] for row in rows.objects), "clips_test": 1, "clips_train": 2,
    }  # fmt: skip


def test_object_rows_name_every_file_and_the_index(tmp_path: Path) -> None:
    rows, _ = rows_of(tmp_path, SyntheticRecording("a"))
    stored = {str(path.relative_to(tmp_path)) for path in (tmp_path / "parts").rglob("*") if path.is_file()}
    assert {row[0] for row in rows.objects} == stored
    for uri, size, sha256, family, key in rows.objects:
        data = (tmp_path / uri).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (size, sha256)
        assert uri.startswith(f"parts/{family}/{key[:2]}/{key}/")


def test_a_still_needs_frames_only_and_a_video_all_families(tmp_path: Path) -> None:
    still = SyntheticRecording("a", (1,), is_still=True)
    mute = SyntheticRecording("b", (2,), lacking=frozenset({Family.AUDIO}))
    rows, builder = rows_of(tmp_path, still, mute)
    assert column(rows.clips, "clip_id") == ["a_000"]
    assert column(rows.clips, "landmarks_part") == [""]
    assert column(rows.rejections, "reason", REJECTION_SCHEMA) == ["family_missing"]
    assert column(rows.rejections, "item_id", REJECTION_SCHEMA) == ["b_000"]
    assert keep_rates(builder.counts) == {"recordings": 0.5, "family_missing": 0.5}


def test_audio_may_be_optional(tmp_path: Path) -> None:
    mute = SyntheticRecording("b", (2,), lacking=frozenset({Family.AUDIO}))
    rows, _ = rows_of(tmp_path, mute, builder=RowBuilder(audio_required=False))
    assert (column(rows.clips, "audio_part"), column(rows.clips, "waveform_samples")) == ([""], [0])


def test_a_clip_whose_family_was_rejected_gets_no_second_rejection(tmp_path: Path) -> None:
    told = rejection("b_000", RejectionReason.AUDIO_TOO_SHORT, Stage.AUDIO)
    rows, _ = rows_of(tmp_path, SyntheticRecording("b", (2,), lacking=frozenset({Family.AUDIO}), rejections=[told]))
    assert column(rows.rejections, "reason", REJECTION_SCHEMA) == ["audio_too_short"]


def test_rejections_that_every_family_tells_come_once_and_in_order(tmp_path: Path) -> None:
    later = rejection("a_001", RejectionReason.NO_FACE, start_s=5.0, details={"b": 1, "a": 2.5})
    sooner = rejection("a_000", RejectionReason.TOO_SHORT, start_s=1.0)
    rows, builder = rows_of(tmp_path, SyntheticRecording("a", (), rejections=[later, sooner]))
    assert column(rows.rejections, "item_id", REJECTION_SCHEMA) == ["a_000", "a_001"]
    assert column(rows.rejections, "details_json", REJECTION_SCHEMA) == ["{}", '{"a":2.5,"b":1}']
    assert column(rows.rejections, "source_video", REJECTION_SCHEMA) == ["a.mp4", "a.mp4"]
    # lost to the last stage that rejected something: no_face comes after too_short
    assert keep_rates(builder.counts) == {"recordings": 0.0, "no_face": 0.0}


def test_filters_keep_rates_and_rejections(tmp_path: Path) -> None:
    filters = [ClipFilter("long", lambda row: row["frames"] > 1), ClipFilter("angry", lambda row: row["emotion"] == "angry")]
    builder = RowBuilder(audio_required=True, filters=filters)
    recordings = SyntheticRecording("a", (3, 1)), SyntheticRecording("b", (3,), emotion="happy")
    rows, _ = rows_of(tmp_path, *recordings, builder=builder)
    assert column(rows.clips, "clip_id") == ["a_000"]
    assert column(rows.rejections, "details_json", REJECTION_SCHEMA) == ['{"filter":"long"}', '{"filter":"angry"}']
    assert column(rows.rejections, "start_s", REJECTION_SCHEMA) == [0.12, 0.0]
    assert keep_rates(builder.counts) == {"recordings": 0.5, "filtered": 0.5, "filter:long": 0.666667, "filter:angry": 0.5}


def test_keep_rates_are_of_the_recordings_that_reached_a_filter(tmp_path: Path) -> None:
    builder = RowBuilder(audio_required=True)
    listing = [rejection("x", RejectionReason.EMPTY_FILE, Stage.DISCOVER, details={"path": "x.mp4"})]
    rows = list(builder.listing_rows(listing))
    lost = [SyntheticRecording(name, (), rejections=[rejection(f"{name}_000", RejectionReason.NO_FACE)]) for name in "abc"]
    rows_of(tmp_path, *lost, SyntheticRecording("d"), builder=builder)
    assert column(rows, "source_video", REJECTION_SCHEMA) == ["x.mp4"]
    assert keep_rates(builder.counts) == {"recordings": 0.2, "empty_file": 0.8, "no_face": 0.25}


def test_order_is_by_recording_then_number_not_by_text(tmp_path: Path) -> None:
    builder = RowBuilder(audio_required=True)
    first, _ = rows_of(tmp_path, SyntheticRecording("a", (1,) * 1001), builder=builder)
    second, _ = rows_of(tmp_path, SyntheticRecording("a_1", (1,)), builder=builder)
    ids = [str(value) for value in column(first.clips + second.clips, "clip_id")]
    assert ids[-3:] == ["a_999", "a_1000", "a_1_000"]
    assert ids != sorted(ids)


def test_recordings_out_of_order_fail_the_build(tmp_path: Path) -> None:
    _, builder = rows_of(tmp_path, SyntheticRecording("b"))
    with pytest.raises(BuildFailedError, match="'a' came after 'b'"):
        rows_of(tmp_path, SyntheticRecording("a"), builder=builder)


def test_a_recording_that_vanished_without_a_word_fails_the_build(tmp_path: Path) -> None:
    with pytest.raises(BuildFailedError, match="recording 'a': expected clips or rejections, found neither"):
        rows_of(tmp_path, SyntheticRecording("a", ()))


def test_an_index_of_other_recordings_fails_the_build(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        part = store_part(store, [SyntheticRecording("a"), SyntheticRecording("b")])
    wrong = BuiltPart(split_table([SyntheticRecording("a"), SyntheticRecording("c")]), part.indices)
    with pytest.raises(BuildFailedError, match="expected recording 'c' at position 1 of 2, found 'b' of 2"):
        RowBuilder(audio_required=True).rows_of(wrong)
    with pytest.raises(BuildFailedError, match="found 'a' of 2"):
        RowBuilder(audio_required=True).rows_of(BuiltPart(part.recordings.slice(0, 1), part.indices))


def test_families_that_disagree_about_a_clip_fail_the_build(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        part = store_part(store, [SyntheticRecording("a", (3,))])
        other = store_part(store, [SyntheticRecording("a", (4,), seed=1)])
    mixed = BuiltPart(part.recordings, {**part.indices, Family.AUDIO: other.indices[Family.AUDIO]})
    with pytest.raises(BuildFailedError, match="clip a_000: family audio describes it otherwise"):
        RowBuilder(audio_required=True).rows_of(mixed)


def test_parts_are_read_back_from_the_store(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        part = store_part(store, [SyntheticRecording("a")])
        keys = {family: stored.index.key for family, stored in part.indices.items()}
        again = read_built_part(store, with_splits(part.recordings.drop(["split"]), part.recordings["split"]), keys)
        assert again.recordings.equals(part.recordings)
        assert dict(again.indices) == dict(part.indices)
        with pytest.raises(FileNotFoundError):
            read_built_part(store, part.recordings, {Family.AUDIO: "ff" * 16})


def test_stored_index_hashes_the_bytes_it_was_given(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        index = store_part(store, [SyntheticRecording("a")]).indices[Family.FRAMES].index
    data = b"  " + canonical_json_bytes(index.model_dump(mode="json"))
    stored = StoredIndex.from_bytes(data)
    assert (stored.size_bytes, stored.sha256) == (len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("clip_id", ["a", "a_", "b_000", "a_x", "a_1_000", "a_-1"])
def test_clip_ids_must_be_numbered(clip_id: str) -> None:
    with pytest.raises(ValueError, match="an underscore and digits"):
        clip_number(clip_id, "a")
