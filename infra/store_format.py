"""The format of a whole store, so that an older program leaves a newer store alone instead of misreading it.

``store.json`` at the root of a store says which format it has and who wrote it. A store without one was written before there was such a
file and has format 1. Records inside have format numbers of their own, which change more often and are checked where they are read.
"""

from __future__ import annotations

import importlib.metadata

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.object_store_protocol import ObjectStore

STORE_FORMAT = 1
"""The newest format that this program reads and the one it writes."""

STORE_FORMAT_FILE = "store.json"


class StoreFormat(BaseModel):
    """What `store.json` says."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int = Field(1, ge=1)
    written_by: str = Field("", description="Version of the program that made the store or brought it to this format")


def check_store_format(store: ObjectStore) -> int:
    """Return the format of a store.

    Raises:
        BadInputError: it is newer than this program.
        StoreError: its file is damaged.
    """
    try:
        found = StoreFormat.model_validate_json(store.read_bytes(STORE_FORMAT_FILE))
    except FileNotFoundError:
        return 1
    except ValidationError as error:
        raise StoreError(f"{store.uri}/{STORE_FORMAT_FILE}: expected a format number, found something else; write {{}} into it") from error
    if found.format > STORE_FORMAT:
        by = f" by version {found.written_by}" if found.written_by else ""
        msg = (
            f"the store {store.uri} has format {found.format}, written{by}; this program ({_version()}) reads formats up to "
            f"{STORE_FORMAT}: update it (pip install --upgrade flowvqtalker), or use another store"
        )
        raise BadInputError(msg)
    return found.format


def mark_store_format(store: ObjectStore) -> None:
    """Say what format a store has, where nothing says so yet.

    Raises:
        BadInputError: it is newer than this program.
        StoreError: the store cannot be read or written.
    """
    check_store_format(store)
    if not store.exists(STORE_FORMAT_FILE):
        store.write_bytes(STORE_FORMAT_FILE, StoreFormat(format=STORE_FORMAT, written_by=_version()).model_dump_json().encode())


def _version() -> str:
    return importlib.metadata.version("flowvqtalker")
