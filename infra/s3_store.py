"""A store in an S3 bucket, through s3fs.

S3 has no rename: whatever belongs together is uploaded in any order and its completion marker last, with one PUT. Nothing is listed
from a cache, since another process may have written meanwhile.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import s3fs
from aiobotocore.session import AioSession  # type: ignore[import-untyped]

from infra.content_types import content_type
from infra.managed_store import ManagedStore
from infra.s3_errors import s3_trouble
from infra.scratch import ScratchArea
from infra.settings import Settings
from infra.store_paths import SCRATCH_FOLDER, checked_path, checked_prefix, markers_first
from storage_schemas.errors import BadInputError, StoreError

_UPLOAD_CHUNK_BYTES = 16 * 2**20
_UPLOADS_AT_ONCE = 4
_READ_BUFFER_BYTES = 2**20
_DELETES_PER_REQUEST = 1000
_PROBE_ATTEMPTS = 2


class S3ObjectStore(ManagedStore):
    """Objects are keys of one bucket below a prefix; temporary files are local.

    Args:
        location: ``bucket`` or ``bucket/prefix``.
        settings: address, region, profile, timeouts; credentials come from the environment.

    Raises:
        BadInputError: the location names no bucket.
    """

    def __init__(self, location: str, settings: Settings) -> None:
        bucket, _, prefix = location.strip("/").partition("/")
        if not bucket:
            msg = f"the store 's3://{location}' names no bucket; expected s3://bucket/prefix"
            raise BadInputError(msg)
        self._bucket = bucket
        self._prefix = f"{checked_prefix(prefix)}/" if prefix else ""
        self._settings = settings
        self._client: tuple[int, s3fs.S3FileSystem] | None = None
        self._guard = threading.Lock()
        scratch_root = settings.scratch_dir / f"flowvqtalker-scratch-{os.getuid()}"
        super().__init__(f"s3://{bucket}/{self._prefix}".rstrip("/"), ScratchArea(scratch_root))

    def exists(self, path: str) -> bool:
        """Say whether an object is there."""
        try:
            with s3_trouble("look for", self._address(path), missing_is_trouble=False):
                self._call("head_object", Key=self._key(path))
        except FileNotFoundError:
            return False
        return True

    def read_bytes(self, path: str) -> bytes:
        """Return a whole object; FileNotFoundError if it is not there."""
        with s3_trouble("read", self._address(path), missing_is_trouble=False):
            data: bytes = self._files().cat_file(self._full_key(path), max_concurrency=1)
            return data

    def read_range(self, path: str, start: int, count: int) -> bytes:
        """Return up to `count` bytes from `start` (negative: from the end) by one request; FileNotFoundError if it is not there."""
        if count <= 0:
            return b""
        with s3_trouble("read", self._address(path), missing_is_trouble=False):
            end = start + count if start >= 0 else None
            try:
                data: bytes = self._files().cat_file(self._full_key(path), start=start, end=end)
            except OSError as error:
                if _is_past_the_end(error):
                    return b""
                raise
            return data[:count]

    def open(self, path: str) -> BinaryIO:
        """Open an object for reading through a buffer of 1 MiB; FileNotFoundError if it is not there."""
        with s3_trouble("read", self._address(path), missing_is_trouble=False):
            size = int(self._call("head_object", Key=self._key(path))["ContentLength"])
        return io.BufferedReader(_RangeReader(self, path, size), _READ_BUFFER_BYTES)

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write or replace an object by one request."""
        with s3_trouble("write", self._address(path)):
            self._files().pipe_file(self._full_key(path), data, ContentType=content_type(path))

    def publish_file(self, local: Path, path: str) -> None:
        """Upload a local file, then remove it."""
        self._upload(local, path)
        local.unlink()

    def publish_folder(self, local: Path, path: str, last: str) -> None:
        """Upload every file of a folder, `last` at the end, then remove it; where a whole one is already, that is kept."""
        if not (local / last).is_file():
            msg = f"cannot publish {local} as {self._address(path)}: it has no {last}, so it is not whole"
            raise StoreError(msg)
        if not self.exists(f"{path}/{last}"):
            names = sorted(file.relative_to(local).as_posix() for file in local.rglob("*") if file.is_file())
            for name in sorted(names, key=lambda name: (name == last, name)):
                self._upload(local / name, f"{path}/{name}")
        shutil.rmtree(local)

    def fetch_folder(self, path: str, local: Path) -> None:
        """Copy every object under a path into a local folder (made if it is not there); FileNotFoundError if nothing is there."""
        names = [name for name, _ in self.list_objects(checked_path(path))]
        if not names:
            msg = f"nothing is at {self._address(path)}"
            raise FileNotFoundError(msg)
        for name in names:
            target = local / name.removeprefix(f"{path.rstrip('/')}/")
            with s3_trouble("copy", self._address(name), missing_is_trouble=False):
                target.parent.mkdir(parents=True, exist_ok=True)
                self._files().get_file(self._full_key(name), str(target))

    def list_objects(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Yield (path, size in bytes) of every object under a folder, in the order of their keys, a thousand a request."""
        for page in self._pages(prefix):
            for entry in page.get("Contents", []):
                path = entry["Key"].removeprefix(self._prefix)
                if not path.startswith(f"{SCRATCH_FOLDER}/"):
                    yield path, int(entry["Size"])

    def list_folders(self, prefix: str) -> list[str]:
        """Return the sorted names of the direct sub-folders of a folder."""
        pages = self._pages(prefix, Delimiter="/")
        paths = [entry["Prefix"].rstrip("/") for page in pages for entry in page.get("CommonPrefixes", [])]
        names = [path.rsplit("/", 1)[-1] for path in paths]
        return sorted(name for name in names if prefix or name != SCRATCH_FOLDER)

    def modified_s(self, path: str) -> float:
        """Return when an object was last written, in seconds since 1970; FileNotFoundError if it is not there."""
        with s3_trouble("look for", self._address(path), missing_is_trouble=False):
            return float(self._call("head_object", Key=self._key(path))["LastModified"].timestamp())

    def delete(self, path: str) -> None:
        """Remove one object."""
        with s3_trouble("remove", self._address(path)):
            self._call("delete_object", Key=self._key(path))

    def delete_folder(self, path: str) -> None:
        """Remove everything under a path, completion markers before what they vouch for."""
        names = sorted((name for name, _ in self.list_objects(checked_path(path))), key=markers_first)
        markers = [name for name in names if not markers_first(name)[0]]
        for name in markers:
            self.delete(name)
        others = names[len(markers) :]
        for begin in range(0, len(others), _DELETES_PER_REQUEST):
            self._delete_many(others[begin : begin + _DELETES_PER_REQUEST], path)

    def check_writable(self) -> None:
        """Write and remove a small object, with few attempts so that a wrong address is known soon.

        Raises:
            StoreError: the bucket cannot be reached or written; says why. Also where temporary files cannot be written.
        """
        self.scratch_folder().rmdir()
        key = f"{self._prefix}{SCRATCH_FOLDER}/probe-{secrets.token_hex(8)}"
        files = self._connected(_PROBE_ATTEMPTS)
        with s3_trouble("write to the store", self.uri):
            files.call_s3("put_object", Bucket=self._bucket, Key=key, Body=b"probe")
            files.call_s3("delete_object", Bucket=self._bucket, Key=key)

    def _upload(self, local: Path, path: str) -> None:
        with s3_trouble("publish", self._address(path)):
            self._files().put_file(
                str(local),
                self._full_key(path),
                chunksize=_UPLOAD_CHUNK_BYTES,
                max_concurrency=_UPLOADS_AT_ONCE,
                ContentType=content_type(path),
            )

    def _delete_many(self, paths: list[str], folder: str) -> None:
        with s3_trouble("remove", self._address(folder)):
            answer = self._call("delete_objects", Delete={"Objects": [{"Key": self._key(path)} for path in paths], "Quiet": True})
        if errors := answer.get("Errors"):
            msg = f"cannot remove {self._address(folder)}: {len(errors)} objects are left, the first because {errors[0].get('Message')}"
            raise StoreError(msg)

    def _pages(self, prefix: str, **options: str) -> Iterator[dict[str, Any]]:
        folder = checked_prefix(prefix)
        key = f"{self._prefix}{folder}/" if folder else self._prefix
        while True:
            with s3_trouble("list", self._address(folder)):
                page = self._call("list_objects_v2", Prefix=key, **options)
            yield page
            if not page.get("IsTruncated"):
                return
            options["ContinuationToken"] = page["NextContinuationToken"]

    def _call(self, method: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - botocore's own arguments
        answer: dict[str, Any] = self._files().call_s3(method, Bucket=self._bucket, **arguments)
        return answer

    def _files(self) -> s3fs.S3FileSystem:
        """Return the client of this process; one made before a fork cannot be used after it."""
        with self._guard:
            if self._client is None or self._client[0] != os.getpid():
                self._client = os.getpid(), self._connected(self._settings.s3_max_attempts)
            return self._client[1]

    def _connected(self, attempts: int) -> s3fs.S3FileSystem:
        settings = self._settings
        with s3_trouble("open", self.uri):
            return s3fs.S3FileSystem(
                endpoint_url=settings.s3_endpoint_url or None,
                session=_session(settings.s3_profile),
                client_kwargs={"region_name": settings.s3_region} if settings.s3_region else {},
                config_kwargs={
                    # Not "adaptive": after one refusal that holds a process to as many requests as it has just made, which in a build
                    # that mostly computes are next to none.
                    "retries": {"max_attempts": attempts, "mode": "standard"},
                    "connect_timeout": settings.s3_connect_timeout_s,
                    "read_timeout": settings.s3_read_timeout_s,
                    # Newer defaults send checksums that some S3-compatible servers refuse.
                    "request_checksum_calculation": "when_required",
                    "response_checksum_validation": "when_required",
                },
                use_listings_cache=False,
                skip_instance_cache=True,
            )

    def _key(self, path: str) -> str:
        return self._prefix + checked_path(path)

    def _full_key(self, path: str) -> str:
        return f"{self._bucket}/{self._key(path)}"

    def _address(self, path: str) -> str:
        return f"{self.uri}/{path}".rstrip("/")


class _RangeReader(io.RawIOBase):
    """Reads an object by ranges, so that errors while reading are explained like those while opening."""

    def __init__(self, store: S3ObjectStore, path: str, size: int) -> None:
        self._store, self._path, self._size, self._position = store, path, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        view = memoryview(buffer).cast("B")
        count = min(len(view), self._size - self._position)
        if count <= 0:
            return 0
        data = self._store.read_range(self._path, self._position, count)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


def _is_past_the_end(error: OSError) -> bool:
    response = getattr(error.__cause__, "response", None) or {}
    return response.get("Error", {}).get("Code") in ("InvalidRange", "416")


def _session(profile: str) -> AioSession:
    session = AioSession(profile=profile or None)
    session.register("before-call.s3.DeleteObjects", _add_md5)
    return session


def _add_md5(params: dict[str, Any], **_: object) -> None:
    """Say the MD5 of a request that removes several objects: newer clients leave it out, and servers of the old protocol insist on it."""
    params["headers"]["Content-MD5"] = base64.b64encode(hashlib.md5(params["body"], usedforsecurity=False).digest()).decode()
