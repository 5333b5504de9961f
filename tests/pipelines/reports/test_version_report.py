from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.dataset.part_arrays import layout_of
from pipelines.dataset.part_reading import array_rows, iterate_clip_frames
from pipelines.dataset.part_store import open_part_array
from pipelines.dataset.version_tables import VersionTable, read_batches
from pipelines.reports.contact_sheet import SheetClip, choose_sheet_clips
from pipelines.reports.version_report import make_version_report, read_sheet
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.errors import StoreError
from storage_schemas.part_layout import RowRange
from tests.factories.dataset_versions import local_store, publish

Published = tuple[Path, VersionManifest, list[SheetClip]]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("store")
    with local_store(folder) as store:
        manifest = publish(store)
        return folder, manifest, choose_sheet_clips(read_batches(store, manifest.dataset_version, VersionTable.CLIPS))


def test_the_sheet_shows_the_stored_frames_and_landmarks(published: Published) -> None:
    folder, _, clips = published
    with local_store(folder) as store:
        items = read_sheet(store, clips)

        assert [(item.clip_id, item.frame_index) for item in items] == [(clip.clip_id, n) for clip in clips for n in clip.shown_frames()]
        for clip in clips:
            of_clip = [item for item in items if item.clip_id == clip.clip_id]
            frames = list(iterate_clip_frames(store, clip.frames_part, clip.clip_key))
            assert [item.jpeg for item in of_clip] == [frames[item.frame_index].jpeg for item in of_clip]
            for item in of_clip:
                if clip.landmarks_part:
                    array = open_part_array(store, clip.landmarks_part, layout_of("landmarks"))
                    expected = array_rows(array, RowRange(start=clip.landmarks_start + item.frame_index, count=1))[0, :, :2]
                    np.testing.assert_array_equal(item.landmarks, expected)
                else:
                    assert item.landmarks is None


def test_the_report_holds_every_chosen_clip(published: Published) -> None:
    folder, manifest, clips = published
    with local_store(folder) as store:
        html = make_version_report(store, manifest, folder / "versions" / manifest.dataset_version)

    assert manifest.dataset_version in html
    assert all(clip.clip_id in html for clip in clips)
    assert html.count("data:image/jpeg") == sum(len(clip.shown_frames()) for clip in clips)


def test_a_part_without_its_clip_is_a_store_error(published: Published) -> None:
    folder, _, clips = published
    missing = SheetClip("00" * 8, "nobody_000", "x", "sad", "train", 3, clips[0].frames_part, "", 0)
    with local_store(folder) as store, pytest.raises(StoreError, match="should hold clip nobody_000"):
        read_sheet(store, [missing])
