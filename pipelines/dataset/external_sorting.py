"""Sorting more rows than should be in memory: sorted runs on disk, merged while reading."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from pipelines.dataset.version_tables import Row

ROWS_IN_MEMORY = 100_000


class ExternalSorter:
    """Collects rows in any order and yields them sorted; at most `rows_in_memory` of them are held at once.

    Args:
        folder: an existing folder for the runs; they are files named ``run-<number>.jsonl``, removed with the folder by the caller.
        rows_in_memory: length of a run.
    """

    def __init__(self, folder: Path, rows_in_memory: int = ROWS_IN_MEMORY) -> None:
        self._folder = folder
        self._rows_in_memory = rows_in_memory
        self._pending: list[Row] = []
        self._runs: list[Path] = []

    def add(self, rows: Iterable[Row]) -> None:
        """Add rows: tuples of text and numbers, compared from the first field on."""
        self._pending.extend(rows)
        if len(self._pending) >= self._rows_in_memory:
            self._write_run()

    def sorted_rows(self) -> Iterator[Row]:
        """Yield all rows in ascending order; call it once, after the last `add`."""
        self._pending.sort()
        yield from heapq.merge(*(_read_run(run) for run in self._runs), self._pending)

    def _write_run(self) -> None:
        self._pending.sort()
        run = self._folder / f"run-{len(self._runs):05d}.jsonl"
        with run.open("wb") as file:
            file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in self._pending)
        self._runs.append(run)
        self._pending = []


def _read_run(run: Path) -> Iterator[Row]:
    with run.open("rb") as file:
        for line in file:
            yield tuple(orjson.loads(line))
