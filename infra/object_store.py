"""Stores: where everything lands, a local folder or ``s3://bucket/prefix``, behind `storage_schemas.object_store_protocol.ObjectStore`."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from infra.local_store import LocalObjectStore
from infra.managed_store import ManagedStore
from infra.settings import Settings
from storage_schemas.errors import BadInputError

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")


def open_store(uri: str, settings: Settings) -> ManagedStore:
    """Open a store by its address; nothing is read or written yet.

    Args:
        uri: a folder (``~`` is the home folder), ``file:///folder`` or ``s3://bucket/prefix``.
        settings: how S3 is reached.

    Raises:
        BadInputError: the address is empty, or of a kind that is not supported.
    """
    scheme = _SCHEME.match(uri)
    if not uri.strip():
        msg = "the store has no address; give a folder or s3://bucket/prefix"
        raise BadInputError(msg)
    if scheme is None:
        return LocalObjectStore(Path(uri), fsync=settings.store_fsync)
    rest = uri[scheme.end() :]
    if scheme[1].lower() == "file" and rest.startswith("/"):
        return LocalObjectStore(Path(unquote(rest)), fsync=settings.store_fsync)
    if scheme[1].lower() == "s3":
        from infra.s3_store import S3ObjectStore  # noqa: PLC0415 - its imports take half a second

        return S3ObjectStore(rest, settings)
    msg = f"the store {uri!r} is of a kind that is not supported; give a folder, file:///folder or s3://bucket/prefix"
    raise BadInputError(msg)
