from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from pipelines.generation.coefficient_files import CoefficientsCard, read_coefficients_file, write_coefficients
from storage_schemas.errors import BadInputError

CARD = CoefficientsCard(item_id="hello", frames=3, seed=1, take=0, models={"expflow": {"run": "expflow/1", "face_model": "learned-1"}})
BETA = np.arange(192, dtype=np.float32).reshape(3, 64)
RHO = np.arange(18, dtype=np.float32).reshape(3, 6)


@pytest.mark.parametrize("name", ["a.safetensors", "a.npz"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    write_coefficients(tmp_path / "new" / name, BETA, RHO, CARD)
    stored = read_coefficients_file(tmp_path / "new" / name)

    np.testing.assert_array_equal(stored.beta, BETA)
    np.testing.assert_array_equal(stored.rho, RHO)
    assert stored.card == CARD
    assert stored.card.face_model == "learned-1"
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_coefficients(tmp_path / f"{name}.safetensors", BETA, RHO, CARD)

    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_files_of_others_need_only_beta(tmp_path: Path) -> None:
    save_file({"beta": BETA}, tmp_path / "a.safetensors")
    stored = read_coefficients_file(tmp_path / "a.safetensors")

    assert stored.rho is None
    assert stored.card is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"gamma": BETA}, "expected an array beta"),
        ({"beta": BETA[:, :3].copy()}, r"\(3, 3\)"),
        ({"beta": BETA, "rho": BETA}, r"expected rho .*\(3, 64\)"),
        ({"beta": np.full((2, 64), np.nan, np.float32)}, "finite"),
        ({"beta": BETA[:0].copy()}, r"\(0, 64\)"),
    ],
)
@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_other_arrays_are_named(tmp_path: Path, arrays: dict[str, np.ndarray], message: str, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "npz":
        np.savez(path, **arrays)
    else:
        save_file(arrays, path)

    with pytest.raises(BadInputError, match=message):
        read_coefficients_file(path)


@pytest.mark.parametrize("name", ["a.safetensors", "a.npz", "a.txt"])
def test_other_files_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind")

    with pytest.raises(BadInputError, match=name):
        read_coefficients_file(tmp_path / name)
    with pytest.raises(BadInputError, match="missing"):
        read_coefficients_file(tmp_path / "missing.npz")
