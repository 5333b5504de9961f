from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.dataset import publishing
from pipelines.dataset.clip_rows import BuiltPart, ClipFilter
from pipelines.dataset.publishing import VersionContent, publish_version
from pipelines.dataset.version_identity import content_id
from pipelines.dataset.version_tables import VersionTable, read_rows
from pipelines.dataset.versions import read_manifest, version_ids
from storage_schemas.build_spec import LandmarkSettings, LimitSettings
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.errors import BuildFailedError, StoreError
from storage_schemas.rejections import Rejection, RejectionReason, Stage
from tests.factories.dataset_parts import SPEC, SyntheticRecording, store_parts
from tests.factories.dataset_versions import CREATED, RECORDINGS, description, local_store, publish


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def discovered(path: str, recording_id: str = "") -> Rejection:
    return Rejection(
        item_id=recording_id or path, recording_id=recording_id or path, stage=Stage.DISCOVER, reason=RejectionReason.EMPTY_FILE,
        message="expected bytes, found none", details={"path": path},
    )  # fmt: skip


def test_tables_and_manifest(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        manifest = publish(store, rejections=[discovered("z.mp4"), discovered("M003/a.mp4")])
        folder = tmp_path / "versions" / manifest.dataset_version
        assert sorted(path.name for path in folder.iterdir()) == [
            "clips.parquet", "manifest.json", "objects.parquet", "rejections.parquet",
        ]  # fmt: skip
        clips = [row["clip_id"] for row in read_rows(store, manifest.dataset_version, VersionTable.CLIPS)]
        rejections = [row["item_id"] for row in read_rows(store, manifest.dataset_version, VersionTable.REJECTIONS)]
        uris = [row["uri"] for row in read_rows(store, manifest.dataset_version, VersionTable.OBJECTS)]
    assert clips[:3] == ["M003/angry/001_000", "M003/angry/001_001", "M003/angry/001_1_000"]
    assert rejections == ["M003/a.mp4", "z.mp4"]
    assert uris == sorted(set(uris))
    assert len(uris) == manifest.counts["objects"]
    assert manifest.counts["recordings"] == 7
    assert manifest.keep_rates == {"recordings": 0.714286, "empty_file": 0.714286}
    assert content_id(manifest) == manifest.dataset_version
    assert len(manifest.recipe) == 64


def test_rejections_of_the_listing_and_of_parts_are_merged_in_order(tmp_path: Path) -> None:
    lost = Rejection(item_id="b_000", recording_id="b", stage=Stage.TRACK, reason=RejectionReason.NO_FACE, message="m", start_s=1.0)
    recordings = [SyntheticRecording("a"), SyntheticRecording("b", (), rejections=[lost])]
    listed = [discovered("c.mp4", "c"), discovered("b_copy.mp4", "b"), discovered("aa.mp4", "aa")]
    with local_store(tmp_path) as store:
        manifest = publish(store, recordings, rejections=listed)
        rows = list(read_rows(store, manifest.dataset_version, VersionTable.REJECTIONS))
    assert [(row["recording_id"], row["stage"]) for row in rows] == [
        ("aa", "discover"),
        ("b", "discover"),
        ("b", "track"),
        ("c", "discover"),
    ]


def test_same_content_same_bytes_wherever_and_however_it_is_built(tmp_path: Path) -> None:
    with local_store(tmp_path / "one") as one, local_store(tmp_path / "elsewhere" / "two") as two:
        first = publish(one)
        second = publish(two, created="2030-01-01T00:00:00Z")
    assert first.dataset_version == second.dataset_version
    assert first.recipe == second.recipe
    assert first.files == second.files
    assert first.created != second.created


def test_row_groups_do_not_depend_on_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.dataset.version_tables.ROW_GROUP_ROWS", 3)
    with local_store(tmp_path) as store:
        manifest = publish(store)
    metadata = pq.read_metadata(tmp_path / "versions" / manifest.dataset_version / "clips.parquet")
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [3, 3, 1]


def test_a_version_that_is_there_is_left_alone(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        first = publish(store)
        before = tree(tmp_path)
        again = publish(store, created="2031-01-01T00:00:00Z")
    assert again == first
    assert again.created == CREATED
    assert tree(tmp_path / "versions") == {name.removeprefix("versions/"): data for name, data in before.items() if "versions/" in name}


def test_an_edited_manifest_under_the_id_is_refused(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        manifest = publish(store)
        path = tmp_path / "versions" / manifest.dataset_version / "manifest.json"
        path.chmod(0o644)
        path.write_bytes(path.read_bytes().replace(b'"clips": 7', b'"clips": 8'))
        with pytest.raises(StoreError, match=r"damaged or edited.*dataset verify"):
            publish(store)


def test_labels_change_the_id_and_the_recipe(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        first = publish(store, [SyntheticRecording("a")])
        relabelled = publish(store, [SyntheticRecording("a", emotion="happy")])
        resplit = publish(store, [SyntheticRecording("a", split="test")])
    assert len({first.dataset_version, relabelled.dataset_version, resplit.dataset_version}) == 3
    assert len({first.recipe, relabelled.recipe, resplit.recipe}) == 3


def test_software_changes_the_id_and_not_the_recipe(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        first = publish(store)
        other = publish(store, described=description(software={"av": "19.0.0"}))
        stages = publish(store, described=description(stage_versions={"track": 2}))
    assert first.dataset_version != other.dataset_version
    assert first.recipe == other.recipe
    assert stages.recipe != first.recipe


def test_ids_do_not_depend_on_where_files_lie(tmp_path: Path) -> None:
    here = SPEC.model_copy(update={"landmarks": LandmarkSettings(task_file="/home/ann/face.task")})
    there = SPEC.model_copy(update={"landmarks": LandmarkSettings(task_file="/data/face.task")})
    with local_store(tmp_path / "one") as one, local_store(tmp_path / "two") as two:
        assert publish(one, described=description(here)).dataset_version == publish(two, described=description(there)).dataset_version


def test_report_is_made_from_the_tables_and_is_not_in_the_id(tmp_path: Path) -> None:
    seen: list[str] = []

    def report(manifest: VersionManifest, folder: Path) -> bytes:
        seen.extend(sorted(path.name for path in folder.iterdir()))
        return f"<p>{manifest.dataset_version}".encode()

    with local_store(tmp_path) as store:
        content = VersionContent(store_parts(store, list(RECORDINGS)))
        manifest = publish_version(store, description(), content, created=CREATED, report=report)
        assert store.read_bytes(f"versions/{manifest.dataset_version}/report.html") == f"<p>{manifest.dataset_version}".encode()
    with local_store(tmp_path / "other") as other:
        assert publish(other).dataset_version == manifest.dataset_version
    assert seen == ["clips.parquet", "objects.parquet", "rejections.parquet"]


def test_too_low_a_keep_rate_fails_and_publishes_nothing(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"limits": LimitSettings(min_keep_rate=0.9)})
    with local_store(tmp_path) as store:
        with pytest.raises(BuildFailedError, match=r"83\.3% of 6 recordings were kept.*90\.0%.*empty_file kept 83\.3%"):
            publish(store, described=description(spec), rejections=[discovered("z.mp4")])
        assert version_ids(store) == []


def test_a_missing_or_short_object_fails_and_publishes_nothing(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        parts = store_parts(store, list(RECORDINGS))
        tar = next((tmp_path / "parts/frames").rglob("frames.tar"))
        tar.chmod(0o644)
        os.truncate(tar, 100)
        with pytest.raises(BuildFailedError, match=r"1 objects .* first parts/frames/.*frames\.tar"):
            publish_version(store, description(), VersionContent(parts), created=CREATED)
        assert version_ids(store) == []


def test_a_failing_part_stream_leaves_nothing_behind(tmp_path: Path) -> None:
    def parts() -> Iterator[BuiltPart]:
        yield from built[:1]
        raise StoreError("gone")

    with local_store(tmp_path) as store:
        built = store_parts(store, list(RECORDINGS))
        with pytest.raises(StoreError, match="gone"):
            publish_version(store, description(), VersionContent(parts()), created=CREATED)
        assert version_ids(store) == []
        scratch = [path for path in (tmp_path / "scratch").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert scratch == []


def test_the_same_part_twice_fails(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        part, *_ = store_parts(store, [SyntheticRecording("a")])
        renamed = BuiltPart(part.recordings, part.indices)
        with pytest.raises(BuildFailedError, match="came after"):
            publish_version(store, description(), VersionContent([part, renamed]), created=CREATED)


def test_an_unfinished_version_is_replaced(tmp_path: Path) -> None:
    with local_store(tmp_path / "one") as one:
        version_id = publish(one).dataset_version
    leftover = tmp_path / "two" / "versions" / version_id
    leftover.mkdir(parents=True)
    (leftover / "clips.parquet").write_bytes(b"half")
    with local_store(tmp_path / "two") as two:
        assert version_ids(two) == []
        assert publish(two).dataset_version == version_id
    assert tree(leftover) == tree(tmp_path / "one" / "versions" / version_id)


def test_two_builds_at_once_publish_one_version(tmp_path: Path) -> None:
    found: list[VersionManifest] = []
    with local_store(tmp_path) as store:
        parts = store_parts(store, list(RECORDINGS))

        def build(created: str) -> None:
            found.append(publish_version(store, description(), VersionContent(parts), created=created))

        threads = [threading.Thread(target=build, args=(f"2026-01-0{day}",)) for day in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        kept = read_manifest(store, found[0].dataset_version)
    assert len(found) == 4
    assert all(manifest == kept for manifest in found)


def test_a_full_disk_leaves_earlier_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_store(tmp_path) as store:
        first = publish(store, RECORDINGS[:2])

        def full(*_: object, **__: object) -> None:
            raise StoreError("cannot publish: no space left")

        monkeypatch.setattr(store, "publish_folder", full)
        parts = VersionContent([])
        with pytest.raises(StoreError, match="no space left"):
            publish_version(store, description(), parts, created=CREATED)
        assert version_ids(store) == [first.dataset_version]


def test_filters_reach_the_manifest(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        manifest = publish(store, filters=[ClipFilter("two_frames", lambda row: row["frames"] >= 2)])
    assert manifest.counts["clips"] == 5
    assert manifest.keep_rates["filter:two_frames"] == round(5 / 7, 6)


def test_an_empty_version_can_be_published(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        manifest = publish(store, [])
    assert manifest.counts["clips"] == 0
    assert manifest.keep_rates == {"recordings": 1.0}
    assert publishing.REPORT_FILE == "report.html"
