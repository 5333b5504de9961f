"""Versions of parts that packing made, on disk and on S3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from pipelines.dataset.clip_rows import read_built_part, with_splits
from pipelines.dataset.collecting import KeepPolicy, collect_garbage
from pipelines.dataset.comparing import Verdict, diff_versions
from pipelines.dataset.exporting import ExportKind, export_version
from pipelines.dataset.packing import pack_part
from pipelines.dataset.part_reading import read_clip_landmarks
from pipelines.dataset.problems import Check
from pipelines.dataset.publishing import VersionContent, publish_version
from pipelines.dataset.verifying import verify_version
from pipelines.dataset.version_tables import VersionTable, read_rows
from pipelines.dataset.versions import list_tags, list_versions, set_tag
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.part_layout import PART_INDEX_FILE, RECORDING_FAMILIES, RowRange, part_path
from storage_schemas.recordings import Recording, recordings_table
from tests.factories.dataset_versions import CREATED, description, local_store, publish
from tests.factories.staged_recordings import stage_recording
from tests.factories.stores import fake_credentials, new_bucket, s3_server, s3_settings

IDS = ("M003/a/001", "M003/a/002", "M003/b/001")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with fake_credentials(), s3_server() as address:
        yield address


def packed_version(store: ManagedStore, folder: Path) -> VersionManifest:
    staged = [folder / f"staged-{number}" for number in range(len(IDS))]
    for path, recording_id, frames in zip(staged, IDS, ((5, 3), (2,), ()), strict=True):
        stage_recording(path, recording_id, frames)
    keys = {family: f"{number}" * 32 for number, family in enumerate(RECORDING_FAMILIES)}
    for family, key in keys.items():
        pack_part(family, key, staged, folder / family.value)
        store.publish_folder(folder / family.value, part_path(family, key), PART_INDEX_FILE)
    recordings = recordings_table(Recording(recording_id=name, video=f"{name}.mp4", speaker="M003", video_sha256="0" * 64) for name in IDS)
    part = read_built_part(store, with_splits(recordings, pa.array(["train"] * len(IDS))), keys)
    return publish_version(store, description(), VersionContent([part]), created=CREATED)


def test_packed_parts_make_a_whole_version(tmp_path: Path) -> None:
    with local_store(tmp_path / "store") as store:
        manifest = packed_version(store, tmp_path)
        problems = verify_version(store, manifest.dataset_version)
        rows = list(read_rows(store, manifest.dataset_version, VersionTable.CLIPS))
        second = rows[1]
        landmarks, detected = read_clip_landmarks(store, second["landmarks_part"], RowRange(start=second["landmarks_start"], count=3))
    # the staged images only begin like JPEGs, so their size is the one thing that cannot be right
    assert {problem.check for problem in problems} == {Check.FRAMES}
    assert all("found no JPEG" in problem.message for problem in problems)
    assert [row["clip_id"] for row in rows] == ["M003/a/001_000", "M003/a/001_001", "M003/a/002_000"]
    assert (landmarks.shape, detected.dtype) == ((3, 478, 3), np.dtype(bool))
    assert (manifest.counts["recordings"], manifest.counts["recordings_kept"], manifest.counts["rejections"]) == (3, 2, 1)


def test_a_version_on_s3_is_the_one_on_disk(tmp_path: Path, endpoint: str) -> None:
    with (
        local_store(tmp_path / "store") as disk,
        open_store(f"s3://{new_bucket(endpoint)}/deep/prefix", s3_settings(endpoint, tmp_path)) as s3,
    ):
        on_disk, on_s3 = publish(disk), publish(s3)
        assert on_s3 == on_disk
        assert publish(s3, created="later") == on_disk
        assert verify_version(s3, on_s3.dataset_version) == []
        set_tag(s3, "latest", on_s3.dataset_version, moved=CREATED)
        assert [tag.name for tag in list_tags(s3)] == ["latest"]
        assert list_versions(s3) == [on_disk]
        assert diff_versions(s3, "latest", on_s3.dataset_version[:5]).verdict is Verdict.IDENTICAL
        assert export_version(s3, "latest", tmp_path / "out", ExportKind.VIDEOS).clips == on_s3.counts["clips"]
        assert collect_garbage(s3, KeepPolicy(), dry_run=False, grace_s=0).objects_removed == 0
        tar = next(path for path, _ in s3.list_objects("parts/frames") if path.endswith("frames.tar"))
        s3.write_bytes(tar, s3.read_bytes(tar)[:-600])
        assert tar in {problem.item for problem in verify_version(s3, "latest") if problem.check is Check.OBJECT}
        s3.delete_folder(f"versions/{on_s3.dataset_version}")
        removed = collect_garbage(s3, KeepPolicy(), dry_run=False, grace_s=0, now_s=4e9)
        assert removed.objects_removed == on_s3.counts["objects"]
