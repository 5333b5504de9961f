"""A newer store is refused, one from before there were formats is read."""

from __future__ import annotations

import json

import pytest

from infra.managed_store import ManagedStore
from infra.store_format import STORE_FORMAT, STORE_FORMAT_FILE, check_store_format, mark_store_format
from storage_schemas.errors import BadInputError, StoreError


def test_a_store_without_a_mark_is_of_the_first_format(store: ManagedStore) -> None:
    assert check_store_format(store) == 1


def test_a_mark_is_written_once(store: ManagedStore) -> None:
    mark_store_format(store)
    first = store.read_bytes(STORE_FORMAT_FILE)
    mark_store_format(store)

    assert store.read_bytes(STORE_FORMAT_FILE) == first
    assert check_store_format(store) == STORE_FORMAT
    assert json.loads(first)["format"] == STORE_FORMAT


def test_a_newer_store_is_refused_by_name_number_and_remedy(store: ManagedStore) -> None:
    store.write_bytes(STORE_FORMAT_FILE, json.dumps({"format": STORE_FORMAT + 1, "written_by": "9.1", "more": True}).encode())

    for refuse in (check_store_format, mark_store_format):
        with pytest.raises(BadInputError, match=rf"has format {STORE_FORMAT + 1}, written by version 9\.1.*update it"):
            refuse(store)


def test_a_damaged_mark_is_no_format(store: ManagedStore) -> None:
    store.write_bytes(STORE_FORMAT_FILE, b"\x00")

    with pytest.raises(StoreError, match="expected a format number"):
        check_store_format(store)
