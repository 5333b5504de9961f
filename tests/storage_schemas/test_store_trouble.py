from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from storage_schemas.errors import StoreError
from storage_schemas.store_trouble import explain_os_error, store_trouble


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "no space left: the disk quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
        (errno.ECONNREFUSED, "unreachable"),
        (errno.EIO, "input/output error"),
        (errno.EXDEV, "input/output error"),
    ],
)
def test_every_trouble_has_a_cause_and_a_remedy(number: int, cause: str) -> None:
    error = OSError(number, os.strerror(number), "file")
    found, remedy = explain_os_error(error)
    assert cause in found
    assert remedy
    with pytest.raises(StoreError, match=r"cannot write place: .*; ") as caught, store_trouble("write", Path("place")):
        raise error
    assert caught.value.__cause__ is error
    assert os.strerror(number) in str(caught.value)


def test_missing_objects_may_pass() -> None:
    with pytest.raises(FileNotFoundError), store_trouble("read", "x", missing_is_trouble=False):
        raise FileNotFoundError(errno.ENOENT, "gone")
    with pytest.raises(StoreError, match="a folder on the way is missing"), store_trouble("write", "x"):
        raise FileNotFoundError(errno.ENOENT, "gone")


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), store_trouble("read", "x"):
        raise KeyError("x")
    with pytest.raises(StoreError, match=r"^own$"), store_trouble("read", "x"):
        raise StoreError("own")


def test_timeouts_are_unreachable() -> None:
    assert explain_os_error(TimeoutError())[0] == "unreachable"
    with pytest.raises(StoreError, match="TimeoutError"), store_trouble("read", "x"):
        raise TimeoutError
