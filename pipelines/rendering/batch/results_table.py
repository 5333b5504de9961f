"""The table of results: segments are added as clips finish, and made into one table of the list now and then."""

from __future__ import annotations

import io
import secrets
import threading
import time
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from storage_schemas.errors import StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.render_results import RESULT_SCHEMA, RESULTS_FILE, RESULTS_FOLDER, ClipResult

_SEGMENT_ROWS = 64
_SEGMENT_S = 5.0


def table_bytes(results: Iterable[ClipResult]) -> bytes:
    """Return records as a Parquet file."""
    table = pa.Table.from_pylist([result.model_dump(mode="python") for result in results], schema=RESULT_SCHEMA)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def results_of(data: bytes, where: str) -> list[ClipResult]:
    """Return the records of a Parquet file.

    Raises:
        StoreError: it is damaged, or of another program.
    """
    try:
        return [ClipResult.model_validate(row) for row in pq.read_table(io.BytesIO(data)).to_pylist()]
    except (pa.ArrowInvalid, ValueError) as error:
        raise StoreError(f"{where}: expected a table of rendered clips, found something else ({error}); move it away") from error


class ResultsJournal:
    """Adds records to an output folder; used from several threads.

    What is not written when the process is killed is known from the clips' own metadata.

    Args:
        store: the output folder.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(4)}"
        self._held: list[ClipResult] = []
        self._segments = 0
        self._written_s = time.monotonic()
        self._guard = threading.Lock()

    def add(self, result: ClipResult) -> None:
        """Add a record; written with others after some seconds or some dozens.

        Raises:
            StoreError: the output folder cannot be written.
        """
        with self._guard:
            self._held.append(result)
            if len(self._held) >= _SEGMENT_ROWS or time.monotonic() - self._written_s > _SEGMENT_S:
                self._write()

    def flush(self) -> None:
        """Write what is held."""
        with self._guard:
            self._write()

    def _write(self) -> None:
        if not self._held:
            return
        self._store.write_bytes(f"{RESULTS_FOLDER}/{self._name}-{self._segments:06d}.parquet", table_bytes(self._held))
        self._segments += 1
        self._held.clear()
        self._written_s = time.monotonic()


def segment_paths(store: ObjectStore) -> list[str]:
    """Return the paths of the segments that are there, oldest first."""
    return [path for path, _ in store.list_objects(RESULTS_FOLDER) if path.endswith(".parquet")]


def read_results(store: ObjectStore, segments: Sequence[str] | None = None) -> dict[tuple[int, int, str], ClipResult]:
    """Return all that is known of an output folder, by row, take and clip id, the last record of each.

    Args:
        store: the output folder.
        segments: of `segment_paths`; None: those that are there now.
    """
    found: dict[tuple[int, int, str], ClipResult] = {}
    for path in [RESULTS_FILE, *(segment_paths(store) if segments is None else segments)]:
        try:
            data = store.read_bytes(path)
        except FileNotFoundError:  # none yet, or another process has just made one table of all
            continue
        for result in results_of(data, f"{store.uri}/{path}"):
            found[result.row, result.take, result.clip_id] = result
    return found
