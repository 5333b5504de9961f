from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from infra.managed_store import ManagedStore
from pipelines.audio.loading import load_audio_file
from pipelines.video_evaluation.clip_material import read_stored_clip
from pipelines.video_evaluation.clip_staging import stage_clip
from pipelines.video_evaluation.made_videos import MadeVideo
from pipelines.video_evaluation.material import flat_name, write_material
from pipelines.video_evaluation.pairing import pair_by_name
from pipelines.video_evaluation.true_clips import clips_of_version, evaluation_set_id
from storage_schemas.errors import BadInputError
from tests.factories.dataset_versions import local_store
from tests.factories.fitted_versions import publish_fitted


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> tuple[ManagedStore, str]:
    store = local_store(tmp_path_factory.mktemp("store"))
    return store, publish_fitted(store).dataset_version


def test_every_clip_has_portrait_sound_and_a_row_and_is_found_again_by_name(version: tuple[ManagedStore, str], tmp_path: Path) -> None:
    store, dataset = version
    written = write_material(store, dataset, "all", tmp_path, seed=3)
    true = clips_of_version(store, dataset, "all")
    with written.scripts.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with written.pairs.open(newline="") as file:
        pairs = list(csv.DictReader(file))

    assert len(rows) == len(pairs) == len(written.clips) > 0
    assert set(written.clips) | set(written.without_sound) == {clip.name for clip in true.clips}
    for row, pair in zip(rows, pairs, strict=True):
        assert (tmp_path / row["portrait"]).stat().st_size > 0
        clip = next(clip for clip in true.clips if clip.name == pair["reference"])
        assert len(load_audio_file(tmp_path / row["audio"])) == clip.row["waveform_samples"]
        made = MadeVideo(pair["video"], Path(pair["video"]), (row["audio"], pair["video"]))
        assert [found.clip.name for found in pair_by_name([made], true).pairs] == [clip.name]
    before = written.scripts.read_bytes()
    assert write_material(store, dataset, "all", tmp_path, seed=3).scripts.read_bytes() == before


def test_a_staged_clip_has_frames_landmarks_and_sound(version: tuple[ManagedStore, str], tmp_path: Path) -> None:
    store, dataset = version
    clip = next(clip for clip in clips_of_version(store, dataset, "all").clips if clip.row["audio_part"])
    stage_clip(store, clip.row, tmp_path / "clip.npz")
    read = read_stored_clip(tmp_path / "clip.npz", 10)

    assert read.frames == min(10, clip.row["frames"]) == len(list(read.pictures()))
    assert read.frames_left_out == max(0, clip.row["frames"] - 10)
    assert read.landmarks_px.shape == (read.frames, 478, 3)
    assert read.waveform is not None
    assert len(read.waveform) == read.frames * 640
    assert np.abs(read.waveform).max() <= 1


def test_the_set_is_that_of_names_contents_and_labels(version: tuple[ManagedStore, str]) -> None:
    store, dataset = version
    clips = clips_of_version(store, dataset, "all").clips

    assert evaluation_set_id(clips) == evaluation_set_id(tuple(reversed(clips)))
    assert evaluation_set_id(clips) != evaluation_set_id(clips[1:])
    with pytest.raises(BadInputError, match="no clips in split 'nobody'"):
        clips_of_version(store, dataset, "nobody")


def test_flat_names_stay_apart(version: tuple[ManagedStore, str]) -> None:
    clips = clips_of_version(version[0], version[1], "all").clips

    assert len({flat_name(clip) for clip in clips}) == len(clips)
