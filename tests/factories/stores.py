"""Stores for tests: a folder, or a bucket of a throwaway S3 server on this machine."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings


@contextmanager
def s3_server() -> Iterator[str]:
    """Yield the address of a moto server; it accepts any credentials and promises nothing about consistency."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def new_bucket(endpoint_url: str) -> str:
    """Make a bucket with a new name and return its name."""
    name = f"flowvqtalker-{uuid.uuid4().hex[:12]}"
    boto3.client("s3", endpoint_url=endpoint_url, region_name="us-east-1").create_bucket(Bucket=name)
    return name


def s3_settings(endpoint_url: str, scratch: Path) -> Settings:
    """Return settings for a test server."""
    return Settings(s3_endpoint_url=endpoint_url, s3_region="us-east-1", scratch_dir=scratch)


def s3_environment(endpoint_url: str, scratch: Path) -> dict[str, str]:
    """Return the same settings as the environment of another process."""
    return {"FLOWVQTALKER_S3_ENDPOINT_URL": endpoint_url, "FLOWVQTALKER_S3_REGION": "us-east-1", "FLOWVQTALKER_SCRATCH_DIR": str(scratch)}


@contextmanager
def fake_credentials() -> Iterator[None]:
    """Set credentials where the environment has none."""
    names = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    added = {name: value for name, value in names.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


@contextmanager
def every_kind_of_store(kind: str, folder: Path) -> Iterator[ManagedStore]:
    """Yield an empty store: kind "folder", or "moto" for a bucket of a server of its own."""
    if kind == "folder":
        with open_store(str(folder / "store"), Settings(store_fsync=False)) as store:
            yield store
        return
    with fake_credentials(), s3_server() as address, open_store(f"s3://{new_bucket(address)}/p", s3_settings(address, folder)) as store:
        yield store
