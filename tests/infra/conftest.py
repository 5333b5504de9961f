from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from tests.factories.stores import fake_credentials, new_bucket, s3_server, s3_settings


@pytest.fixture(scope="session")
def moto_address() -> Iterator[str]:
    with fake_credentials(), s3_server() as address:
        yield address


STORE_KINDS = ["folder", "moto"] + (["real_s3"] if os.environ.get("S3_ENDPOINT_URL") else [])


@pytest.fixture(params=STORE_KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ManagedStore]:
    """A fresh store of each kind; a real S3 server only where S3_ENDPOINT_URL names one."""
    if request.param == "folder":
        opened = open_store(str(tmp_path / "a store"), Settings(store_fsync=False))
    else:
        address = os.environ["S3_ENDPOINT_URL"] if request.param == "real_s3" else request.getfixturevalue("moto_address")
        opened = open_store(f"s3://{new_bucket(address)}/some/prefix", s3_settings(address, tmp_path))
    with opened:
        yield opened
