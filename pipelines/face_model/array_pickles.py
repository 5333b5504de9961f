"""Reading pickles that hold numpy arrays and nothing else, without running anything they ask for.

Extracted coefficients are passed around as ``.npy`` files whose content is a pickled dictionary (numpy's ``allow_pickle``). A
pickle can name any function to be called. Here every name but the four of numpy's own array pickles is refused, and even those
are not handed out: arrays are rebuilt by functions of this module that check what they are given.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from storage_schemas.errors import BadInputError

_LARGEST_BYTES = 2**31
_ARRAY_CLASS = object()
"""Stands for numpy.ndarray in the pickle: it may be passed to `_rebuild`, but not called."""


class _RefusedPickleError(Exception):
    pass


def _rebuild(kind: object, shape: object, typecode: object) -> np.ndarray[Any, Any]:
    """Stand in for numpy's _reconstruct, which array pickles call with an empty shape before setting the state."""
    if kind is not _ARRAY_CLASS or shape != (0,) or typecode != b"b":
        raise _RefusedPickleError(f"an array is rebuilt in an unusual way: {shape!r}, {typecode!r}")
    return np.empty((0,), dtype="b")


def _dtype(code: object, *_flags: object) -> np.dtype[Any]:
    if not isinstance(code, str):
        raise _RefusedPickleError(f"a dtype is made from {type(code).__name__}")
    return np.dtype(code)


def _scalar(dtype: object, content: object = b"") -> object:
    if not isinstance(dtype, np.dtype) or dtype.hasobject or not isinstance(content, bytes) or len(content) != dtype.itemsize:
        raise _RefusedPickleError("a scalar that is not a plain number")
    return np.frombuffer(content, dtype=dtype)[0]


_ADMITTED: dict[tuple[str, str], object] = {("numpy", "ndarray"): _ARRAY_CLASS, ("numpy", "dtype"): _dtype}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):
    _ADMITTED[_module, "_reconstruct"] = _rebuild
    _ADMITTED[_module, "scalar"] = _scalar


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - what a pickle names
        if (module, name) not in _ADMITTED:
            raise _RefusedPickleError(f"it names {module}.{name}")
        return _ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> Any:  # noqa: ANN401
        raise _RefusedPickleError(f"it refers to something outside, {pid!r}")


def read_npy(path: Path) -> object:
    """Return the content of a ``.npy`` file: an array, or the pickled object in an array of objects.

    Raises:
        BadInputError: if the file is missing, damaged, larger than 2 GiB, or holds anything but arrays, numbers, text and
            containers of these.
    """
    try:
        return _content(path)
    except _RefusedPickleError as error:
        raise BadInputError(
            f"{path}: refused, because its pickle is not only of numpy arrays: {error}; do not open it elsewhere"
        ) from error
    except (OSError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise BadInputError(f"{path}: not a readable .npy file: {error}") from error
    except Exception as error:  # damaged pickles raise anything
        raise BadInputError(f"{path}: damaged pickle: {type(error).__name__}: {error}") from error


def _content(path: Path) -> object:
    if path.stat().st_size > _LARGEST_BYTES:
        raise ValueError(f"larger than {_LARGEST_BYTES} bytes")
    content = io.BytesIO(path.read_bytes())
    version = npy_format.read_magic(content)  # type: ignore[no-untyped-call]
    read_header = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    _, _, dtype = read_header(content)  # type: ignore[no-untyped-call]
    if not dtype.hasobject:
        return np.load(path, allow_pickle=False)
    unpickled = _ArrayUnpickler(content).load()
    return unpickled.item() if isinstance(unpickled, np.ndarray) and unpickled.dtype == object and unpickled.ndim == 0 else unpickled
