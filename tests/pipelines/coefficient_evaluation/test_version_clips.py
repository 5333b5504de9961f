from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.coefficient_evaluation.version_clips import read_clips, stored_face_model, yardstick_of
from pipelines.training.version_sequences import VersionSequences
from storage_schemas.errors import BadInputError
from tests.factories.dataset_versions import local_store
from tests.factories.evaluation_clips import train_clips
from tests.factories.face_models import small_face_model
from tests.factories.fitted_versions import publish_fitted


def test_clips_of_splits_are_read_and_short_ones_left_out(tmp_path: Path) -> None:
    store = local_store(tmp_path)
    source = VersionSequences(store, publish_fitted(store).dataset_version)

    assert [clip.frames for clip in read_clips(source, "train, validation", 10)] == [30, 25]
    assert len(read_clips(source, "train", 1)) == 1
    with pytest.raises(BadInputError, match="split 'test'"):
        read_clips(source, "test", 10)
    model = stored_face_model(store, source.face_model)
    assert model is not None
    assert model.model_id == source.face_model


def test_a_face_model_that_is_gone_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert stored_face_model(local_store(tmp_path), "learned-0123456789abcdef") is None
    assert "has no face model" in caplog.text


def test_a_yardstick_has_what_the_clips_and_the_model_give(caplog: pytest.LogCaptureFixture) -> None:
    whole, bare = yardstick_of(train_clips(), small_face_model()), yardstick_of(train_clips()[:1], None)

    assert whole.judge is not None
    assert whole.mouth is not None
    assert whole.eyes is not None
    assert (bare.judge, bare.mouth, bare.eyes) == (None, None, None)
    assert "emotions are not judged" in caplog.text
