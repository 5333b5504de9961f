"""The files that a script list may be: CSV in any of the forms that spreadsheets write, JSON lines and Parquet.

Rows come out as they are written, with the numbers under which the user finds them; what they mean is up to `reading`.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.media_files import require_regular_file
from storage_schemas.errors import ItemRejectedError
from storage_schemas.script_rows import COLUMNS

CSV_SUFFIXES = (".csv", ".tsv", ".txt")
JSON_SUFFIXES = (".jsonl", ".ndjson")
PARQUET_SUFFIXES = (".parquet",)
_DELIMITERS = ",;\t|"
_LONGEST_FIELD = 2**24
_LONGEST_LINE = 2**26
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class RawRow(NamedTuple):
    """A row as it is written.

    Attributes:
        number: as a spreadsheet (CSV, the header being row 1), an editor (JSON lines) or a count from 1 (Parquet) shows it.
        values: by column as it is written; None where the row cannot be read.
        problem: why it cannot be read.
    """

    number: int
    values: dict[str, Any] | None
    problem: str = ""


class UnreadableListError(Exception):
    """The file as a whole cannot be read; the message says why and what helps."""


class RawList(NamedTuple):
    """An open script list: its columns (None: each row has its own) and its rows, read as they are asked for."""

    columns: list[str] | None
    rows: Iterator[RawRow]


@contextmanager
def open_list(path: Path) -> Iterator[RawList]:
    """Open a script list; its kind is told by the file's name.

    Raises:
        UnreadableListError: also while the rows are read.
    """
    readers = {CSV_SUFFIXES: _csv_list, JSON_SUFFIXES: _json_list, PARQUET_SUFFIXES: _parquet_list}
    reader = next((reader for suffixes, reader in readers.items() if path.suffix.lower() in suffixes), None)
    if reader is None:
        known = ", ".join(suffix for suffixes in readers for suffix in suffixes)
        raise UnreadableListError(f"expected a file whose name ends in one of {known}, found {path.name!r}")
    try:
        require_regular_file(path)
        with path.open("rb") as file:
            yield reader(file)
    except ItemRejectedError as error:
        raise UnreadableListError(f"{path}: {error.message}") from error
    except UnicodeError as error:
        raise UnreadableListError(
            f"{path.name} is not UTF-8 text ({error.reason if hasattr(error, 'reason') else error}); save it as CSV UTF-8"
        ) from error
    except OSError as error:
        raise UnreadableListError(f"{path} cannot be read: {error.strerror or error}") from error


def _csv_list(file: BinaryIO) -> RawList:
    mark = next((name for mark, name in _BYTE_ORDER_MARKS.items() if file.peek(4).startswith(mark)), "utf-8")  # type: ignore[attr-defined]
    text = io.TextIOWrapper(file, encoding=mark, newline="")
    csv.field_size_limit(_LONGEST_FIELD)
    first, skipped = text.readline(_LONGEST_LINE), 0
    while first and (not first.strip() or first.lower().startswith("sep=")):  # Excel may say the separator in a line of its own
        first, skipped = text.readline(_LONGEST_LINE), skipped + 1
    delimiter = _delimiter(first)
    header = next(csv.reader([first], delimiter=delimiter), [])
    return RawList(header, _csv_rows(csv.reader(text, delimiter=delimiter, strict=True), header, skipped + 1))


def _delimiter(header: str) -> str:
    """Return the delimiter that makes the most known columns of the header."""
    return max(_DELIMITERS, key=lambda mark: sum(name.strip(' "\r\n').lower() in COLUMNS for name in header.split(mark)))


def _csv_rows(reader: Any, header: list[str], number: int) -> Iterator[RawRow]:  # noqa: ANN401 - csv.reader has no name for its type
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield RawRow(number, None, f'the row is not proper CSV ({error}); check its quotes, "" stands for one within a quoted text')
            continue
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            problem = f"expected at most {len(header)} cells, found {len(cells)}; put texts that hold the separator in quotes"
            yield RawRow(number, None, problem)
        elif any(cell.strip() for cell in cells):
            yield RawRow(number, dict(zip(header, cells, strict=False)))


def _json_list(file: BinaryIO) -> RawList:
    return RawList(None, _json_rows(file))


def _json_rows(file: BinaryIO) -> Iterator[RawRow]:
    for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), start=1):
        text = line.removeprefix(codecs.BOM_UTF8).strip()
        if not text:
            continue
        try:
            values = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            yield RawRow(number, None, f"expected one JSON object on the line, found something else ({error})")
            continue
        if isinstance(values, dict):
            yield RawRow(number, values)
        else:
            yield RawRow(number, None, f"expected one JSON object on the line, found {type(values).__name__}")


def _parquet_list(file: BinaryIO) -> RawList:
    try:
        table = pq.ParquetFile(file)
    except (pa.ArrowException, ValueError) as error:
        raise UnreadableListError(f"the file is not Parquet ({str(error).splitlines()[0]}); write it again") from error
    return RawList(list(table.schema_arrow.names), _parquet_rows(table))


def _parquet_rows(table: pq.ParquetFile) -> Iterator[RawRow]:
    number = 0
    try:
        for batch in table.iter_batches(batch_size=1024):
            for values in batch.to_pylist():
                number += 1
                yield RawRow(number, values)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableListError(f"the file is damaged after row {number} ({str(error).splitlines()[0]}); write it again") from error
