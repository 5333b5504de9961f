from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.image_evaluation.held_out_clips import ClipChoice, PictureSizes, evenly, held_out_clips
from pipelines.training.images.version_frames import VersionFrames
from storage_schemas.errors import BadInputError
from tests.factories.dataset_versions import local_store
from tests.factories.image_trainings import synthetic_frames


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> VersionFrames:
    return synthetic_frames(local_store(tmp_path_factory.mktemp("store")))


def test_evenly_chosen_numbers() -> None:
    assert evenly(10, 4).tolist() == [0, 3, 6, 9]
    assert evenly(3, 10).tolist() == [0, 1, 2]
    assert evenly(5, 1).tolist() == [0]


def test_clips_are_read_in_the_window_of_the_training(source: VersionFrames) -> None:
    clips = list(held_out_clips(source, ClipChoice(most_frames=7), 2.6, PictureSizes(32, 4)))

    assert [clip.clip_id for clip in clips] == ["a_000", "b_000"]
    for clip in clips:
        assert len(clip.rows) == 7
        assert clip.pictures.shape == (7, 32, 32, 3)
        assert (clip.portrait.shape, clip.surrounded.shape) == ((32, 32, 3), (40, 40, 3))
        assert clip.boxes.shape == (7, 3, 4)
        assert (len(clip.closed), len(clip.speaking)) == (7, 7)
        assert clip.beta.shape == (len(clip.rho), 64)
        assert clip.portrait_coefficients.shape == (70,)
        np.testing.assert_allclose(np.median(clip.rho[:, 5]), 1 / 2.6, rtol=0.1)


def test_few_clips_and_frames(source: VersionFrames) -> None:
    (clip,) = held_out_clips(source, ClipChoice(most_clips=1, most_frames=2), 2.6, PictureSizes(32, 4))

    assert len(clip.rows) == 2


def test_what_is_not_there_is_named(source: VersionFrames, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="not of 'nowhere'"):
        next(held_out_clips(source, ClipChoice("nowhere"), 2.6, PictureSizes(32, 4)))
    empty = VersionFrames(source.store, source.dataset)
    with pytest.raises(BadInputError, match="no clips with coefficients in split 'validation'"):
        next(held_out_clips(empty, ClipChoice("validation"), 2.6, PictureSizes(32, 4)))
