"""What the owner of a store does with it beside the protocol that pure code uses."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.scratch import ScratchArea
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.store_trouble import store_trouble


class ManagedStore(ObjectStore):
    """A store of this project: the protocol that pure code uses, and what its owner does with it besides.

    A context manager: leaving it removes this process's scratch folder. Every method may be called from several threads. Not to be
    pickled: another process opens the store by its `uri`.
    """

    def __init__(self, uri: str, scratch: ScratchArea) -> None:
        self.uri = uri
        self._scratch = scratch

    @abstractmethod
    def check_writable(self) -> None:
        """Write and remove a small object, so that a store that is full, read-only or unreachable is known before hours of work.

        Raises:
            StoreError: with the cause and the remedy.
        """

    def scratch_folder(self) -> Path:
        """Return a new, empty local folder; it goes when the store is closed or the process ends."""
        with store_trouble("make a scratch folder in", self._scratch.root):
            return self._scratch.new_folder()

    def remove_stale_scratch(self) -> int:
        """Remove the scratch folders of processes that are gone; return how many."""
        return self._scratch.remove_stale()

    def close(self) -> None:
        """Remove this process's scratch folder."""
        self._scratch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
