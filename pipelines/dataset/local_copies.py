"""Where what is read of a store is copied to for a moment, also of a store that cannot be written."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage_schemas.errors import StoreError
from storage_schemas.object_store_protocol import ObjectStore


@contextmanager
def folder_for_copies(store: ObjectStore) -> Iterator[Path]:
    """Lend an empty folder: the store's own scratch, or the system's where the store cannot be written, as on a read-only mount."""
    try:
        folder = store.scratch_folder()
    except StoreError:
        folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
