from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from infra.managed_store import ManagedStore
from pipelines.dataset.part_reading import read_rows
from pipelines.training.version_sequences import VersionSequences
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.part_layout import RowRange
from tests.factories.dataset_versions import local_store, publish
from tests.factories.fitted_versions import publish_fitted


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ManagedStore]:
    with local_store(tmp_path / "store") as opened:
        yield opened


def test_clips_with_coefficients_are_read_as_they_are_stored(store: ManagedStore) -> None:
    manifest = publish_fitted(store)
    source = VersionSequences(store, manifest.dataset_version)
    table = source.table("train")
    assert table.column("sequence_id") == ["a_000", "b_000"]
    assert table.frames.tolist() == [30, 25]
    assert (table.parts, table.part_frames().tolist()) == (1, [55])
    last, first = source.read(table, [1, 0])
    assert (first.sequence_id, first.speaker, first.emotion, first.split) == ("a_000", "M003", "angry", "train")
    assert (first.beta.shape, first.rho.shape, first.usable.shape) == ((30, 64), (30, 6), (30,))
    assert first.log_mel is not None
    assert first.log_mel.shape[1] == 80
    np.testing.assert_array_equal(last.beta, read_rows(store, "c" * 32, "beta", RowRange(start=30, count=25)))
    assert (source.dataset, source.face_model) == (manifest.dataset_version, manifest.face_model)
    assert source.parents == (f"versions/{manifest.dataset_version}", f"face_models/{manifest.face_model}")


def test_another_split_has_none(store: ManagedStore) -> None:
    source = VersionSequences(store, publish_fitted(store).dataset_version)
    assert (len(source.table("validation")), source.table("validation").parts) == (0, 0)


def test_a_version_without_coefficients_is_refused(store: ManagedStore) -> None:
    with pytest.raises(BadInputError, match=r"no coefficients to train on.*face_model"):
        VersionSequences(store, publish(store).dataset_version)


def test_an_unknown_version_is_refused(store: ManagedStore) -> None:
    with pytest.raises(BadInputError, match="no version or tag 'nonesuch'"):
        VersionSequences(store, "nonesuch")


def test_a_missing_part_is_trouble_of_the_store(store: ManagedStore) -> None:
    source = VersionSequences(store, publish_fitted(store).dataset_version)
    table = source.table("train")
    store.delete_folder("parts/coefficients")
    with pytest.raises(StoreError, match="damaged"):
        source.read(table, [0])
