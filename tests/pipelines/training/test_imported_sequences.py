from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.training.imported_sequences import ImportedSequences
from storage_schemas.errors import BadInputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        np.save(tmp_path / f"clip{number}.npy", np.random.default_rng(number).normal(size=(20 + number, 257)).astype(np.float32))
    return tmp_path


def test_files_are_sequences(folder: Path) -> None:
    source = ImportedSequences(folder, validation=["clip1"])
    table = source.table("train")
    first, last = source.read(table, [0, 1])
    whole = np.load(folder / "clip2.npy", allow_pickle=False)
    assert table.frames.tolist() == [20, 22]
    assert [first.sequence_id, last.sequence_id] == ["clip0", "clip2"]
    np.testing.assert_array_equal(last.beta, whole[:, 80:144])
    np.testing.assert_array_equal(last.rho, np.concatenate([whole[:, 224:227], whole[:, 254:257]], axis=1))
    assert source.table("validation").column("sequence_id") == ["clip1"]
    assert not source.has_audio
    assert first.log_mel is None


def test_the_id_is_that_of_the_content_and_of_what_is_held_out(folder: Path) -> None:
    whole = ImportedSequences(folder).dataset
    assert whole.startswith("imported-")
    assert ImportedSequences(folder).dataset == whole
    assert ImportedSequences(folder, validation=["clip1"]).dataset != whole
    assert ImportedSequences(folder, "clip[01]*").dataset != whole


@pytest.mark.parametrize(("pattern", "held_out", "message"), [("*.mat", [], "holds no"), ("*", ["clip9"], "holds no clip9")])
def test_what_is_not_there_is_named(folder: Path, pattern: str, held_out: list[str], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        ImportedSequences(folder, pattern, held_out)


def test_real_files(shared_data: Path) -> None:
    source = ImportedSequences(shared_data / "coefficients", "styletalk_*.mat")
    assert len(source.table("train")) >= 10
