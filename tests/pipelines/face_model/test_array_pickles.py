import builtins
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.face_model.array_pickles import read_npy
from storage_schemas.errors import BadInputError

HEADER = {"descr": "|O", "fortran_order": False, "shape": ()}


def _write(path: Path, content: bytes) -> Path:
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, HEADER)
        file.write(content)
    return path


class _Calls:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:  # noqa: ANN401
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call


def test_arrays_and_containers_of_them(tmp_path: Path) -> None:
    content = {"a": np.arange(6.0).reshape(2, 3), "b": [np.float32(2.5), "text", None, (1, 2)], "c": np.array(["x", "yy"])}
    np.save(tmp_path / "good.npy", content, allow_pickle=True)
    found = read_npy(tmp_path / "good.npy")
    assert isinstance(found, dict)
    assert np.array_equal(found["a"], content["a"])
    assert found["b"] == content["b"]
    assert found["c"].tolist() == ["x", "yy"]
    np.save(tmp_path / "plain.npy", content["a"])
    assert np.array_equal(read_npy(tmp_path / "plain.npy"), content["a"])  # type: ignore[arg-type]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "function", [(os.system, "touch {}"), (builtins.eval, "open({!r}, 'w')"), (builtins.exec, "open({!r}, 'w')"), (os.mkdir, "{}")]
)
def test_hostile_pickles_are_refused_and_nothing_runs(tmp_path: Path, function: tuple[Any, str], protocol: int) -> None:
    trace = tmp_path / "it_ran"
    hostile = {"coeff": np.zeros(3), "x": _Calls(function[0], function[1].format(str(trace)))}
    path = _write(tmp_path / "bad.npy", pickle.dumps(np.array(hostile, dtype=object), protocol))
    with pytest.raises(BadInputError, match="refused, because its pickle is not only of numpy arrays"):
        read_npy(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(_Calls(np.ndarray, (10**9,))),  # memory
        pickle.dumps(_Calls(np.load, "x.npy")),
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nmatrix\n(I0\ntS'b'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I1000000000\ntS'b'\ntR.",
        b"cnumpy\ndtype.newbyteorder\n.",
        b"Phostile\n.",
        b"\x80\x02ccopyreg\n_reconstructor\n.",
    ],
)
def test_tricks_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInputError, match=r"refused|damaged"):
        read_npy(_write(tmp_path / "bad.npy", content))


def test_damaged_files(tmp_path: Path) -> None:
    np.save(tmp_path / "good.npy", {"a": np.arange(100)}, allow_pickle=True)
    whole = (tmp_path / "good.npy").read_bytes()
    for length in (0, 5, 60, 150, len(whole) - 1):
        (tmp_path / "cut.npy").write_bytes(whole[:length])
        with pytest.raises(BadInputError, match=r"cut\.npy"):
            read_npy(tmp_path / "cut.npy")
