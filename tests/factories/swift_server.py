"""OpenStack Swift of Debian's packages, as an S3 server that checks signatures and keeps the parts of large uploads as objects."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from infra.server_process import free_port
from tests.factories.failing_proxy import failing_proxy

ACCESS_KEY, SECRET_KEY = "faces:builder", "secret-of-this-test-alone"
_KINDS = ("account", "container", "object")
_PACKAGES = "swift-proxy swift-account swift-container swift-object memcached"
_HASH_SETTINGS = Path("/etc/swift/swift.conf")
_STARTED_WITHIN_S = 90.0

_STORAGE = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 1
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""

_PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 2
user = {user}
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck listing_formats cache bulk s3api tempauth copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_faces_builder = {secret} .admin
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{cache_port}
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_object_versioning = true
"""
_PLAIN_FILTERS = ("catch_errors", "gatekeeper", "healthcheck", "listing_formats", "bulk", "copy", "slo", "dlo", "symlink")


@dataclass(frozen=True)
class SwiftServer:
    """A server that is up.

    Attributes:
        address: of its S3 service.
    """

    address: str

    @contextmanager
    def credentials(self, secret: str = SECRET_KEY) -> Iterator[None]:
        """Have the environment name its only user."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            patch.setenv("AWS_SECRET_ACCESS_KEY", secret)
            yield

    def parts_of(self, bucket: str) -> dict[str, int]:
        """Return in how many parts each object was uploaded that was not uploaded whole; its entity tag ends with that number."""
        client = boto3.client("s3", endpoint_url=self.address, region_name="us-east-1")
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        tags = {entry["Key"]: entry["ETag"].strip('"').split("-") for page in pages for entry in page.get("Contents", [])}
        return {key: int(number) for key, (_, *numbers) in tags.items() for number in numbers}


@contextmanager
def swift_server() -> Iterator[SwiftServer]:
    """Yield a new server on this machine, one copy of everything in a folder; skips where Swift is not installed.

    There is a proxy in front of it, which fails nothing: this Swift sends the end of a body after answers that have none (HEAD of what is
    not there), and aiohttp takes that for rubbish. Installations have a load balancer there, which drops it too.
    """
    programs = {kind: _program(f"swift-{kind}-server") for kind in (*_KINDS, "proxy")}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="swift-", ignore_cleanup_errors=True)))
        (folder / "devices" / "disk").mkdir(parents=True)
        ports = {kind: free_port() for kind in (*programs, "cache")}
        cache = [_program("memcached"), "-l", "127.0.0.1", "-p", str(ports["cache"]), "-u", getpass.getuser()]
        stack.enter_context(_running(cache, folder / "cache.log"))
        for kind, program in programs.items():
            if kind in _KINDS:
                _make_ring(folder, kind, ports[kind])
            _write_settings(folder, kind, ports)
            stack.enter_context(_running([program, str(folder / f"{kind}.conf"), "--verbose"], folder / f"{kind}.log"))
        address = f"http://127.0.0.1:{ports['proxy']}"
        _wait_for(f"{address}/healthcheck", folder / "proxy.log")
        yield SwiftServer(stack.enter_context(failing_proxy(address, 0.0, 0))[0])


def _program(name: str) -> str:
    found = shutil.which(name)
    if not found or not os.access(_HASH_SETTINGS, os.R_OK):
        pytest.skip(f"Swift is not here: no {name} or {_HASH_SETTINGS}; apt-get install {_PACKAGES}")
    return found


def _make_ring(folder: Path, kind: str, port: int) -> None:
    builder = [_program("swift-ring-builder"), str(folder / f"{kind}.builder")]
    for arguments in (["create", "6", "1", "1"], ["add", f"r1z1-127.0.0.1:{port}/disk", "1"], ["rebalance"]):
        done = subprocess.run([*builder, *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def _write_settings(folder: Path, kind: str, ports: dict[str, int]) -> None:
    named = {
        "port": ports[kind],
        "cache_port": ports["cache"],
        "user": getpass.getuser(),
        "folder": folder,
        "kind": kind,
        "secret": SECRET_KEY,
    }
    text = _STORAGE.format(**named)
    if kind == "proxy":
        text = _PROXY.format(**named) + "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in _PLAIN_FILTERS)
    (folder / f"{kind}.conf").write_text(text)


@contextmanager
def _running(command: list[str], log_path: Path) -> Iterator[None]:
    with log_path.open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            yield
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            process.kill()
            process.wait()


def _wait_for(address: str, log_path: Path) -> None:
    deadline = time.monotonic() + _STARTED_WITHIN_S
    while time.monotonic() < deadline:
        with suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(address, timeout=5):  # noqa: S310 - an http address
            return
        time.sleep(0.2)
    raise AssertionError(f"Swift does not start: {log_path.read_text()}")
