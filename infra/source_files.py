"""Files that a user names, wherever they are: local ones as they are, objects on S3 fetched into a folder once."""

from __future__ import annotations

import hashlib
import shutil
import threading
from pathlib import Path
from types import TracebackType

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from storage_schemas.errors import BadInputError
from storage_schemas.store_trouble import store_trouble

_REMOTE = "s3://"
_COPIED_BYTES = 2**20


class SourceFiles:
    """Gives local copies of named files; a context manager, usable from several threads.

    Args:
        folder: where copies go; they stay there.
        settings: how S3 is reached.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder, self._settings = folder, settings
        self._stores: dict[str, ManagedStore] = {}
        self._guard = threading.Lock()

    def __enter__(self) -> SourceFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for store in self._stores.values():
            store.close()

    def exists(self, address: str) -> bool:
        """Say whether a file is there.

        Raises:
            StoreError: S3 cannot be reached.
        """
        if not address.startswith(_REMOTE):
            return Path(address).is_file()
        store, name = self._placed(address)
        try:
            return store.exists(name)
        except BadInputError:  # no object of a store has such a name
            return False

    def local(self, address: str) -> Path:
        """Return the path of a file, or of a copy of an object.

        Args:
            address: an absolute path, or s3://bucket/path.

        Raises:
            FileNotFoundError: nothing is there.
            StoreError: S3 cannot be reached, or the copy cannot be written.
        """
        if not address.startswith(_REMOTE):
            if not Path(address).is_file():
                raise FileNotFoundError(f"no file {address}")
            return Path(address)
        name = address.rsplit("/", 1)[-1]
        copy = self._folder / hashlib.sha256(address.encode()).hexdigest()[:16] / name
        with self._guard:
            if not copy.exists():
                self._fetch(address, copy)
        return copy

    def _placed(self, address: str) -> tuple[ManagedStore, str]:
        bucket, _, name = address.removeprefix(_REMOTE).partition("/")
        if bucket not in self._stores:
            self._stores[bucket] = open_store(f"{_REMOTE}{bucket}", self._settings)
        return self._stores[bucket], name

    def _fetch(self, address: str, copy: Path) -> None:
        store, name = self._placed(address)
        with store.open(name) as source, store_trouble("write", copy):
            copy.parent.mkdir(parents=True, exist_ok=True)
            part = copy.with_name(f"{copy.name}.part")
            with part.open("wb") as target:
                shutil.copyfileobj(source, target, _COPIED_BYTES)
            part.replace(copy)
