"""Reading the CSV of labels that a user may give for a folder of videos."""

from __future__ import annotations

import csv
import io
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage_schemas.errors import BadInputError

LABEL_COLUMNS = ("path", "speaker", "emotion", "language", "audio", "level", "view", "licence", "consent")

_DELIMITERS = ",;\t"
_PROBLEMS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One row of the table: the cells as written, without surrounding spaces; paths normalised to "/" and without "./".

    `row` is the number of the row in the file, counted from 1 with the header.
    """

    row: int
    path: str
    speaker: str = ""
    emotion: str = ""
    language: str = ""
    audio: str = ""
    level: str = ""
    view: str = ""
    licence: str = ""
    consent: str = ""


def read_labels(table: Path) -> list[LabelRow]:
    """Return the rows of a CSV file, in order.

    UTF-8 with or without a byte order mark (UTF-16 with one), separated by commas, semicolons or tabs, with any line ends. The
    header names some of `LABEL_COLUMNS`; "path" is needed.

    Raises:
        BadInputError: with every problem of the file at once: columns that are unknown, repeated or missing, rows with the wrong
            number of cells, paths that are empty, absolute, outside the source folder or given twice.
    """
    text = _decode(table)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    problems: list[str] = []
    rows: list[LabelRow] = []
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        problems.extend(_header_problems(header))
        if not problems:
            rows = list(_rows(reader, header, problems))
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: {error}")
    problems.extend(_repeated_paths(rows))
    if problems:
        raise BadInputError(_describe(table, problems))
    return rows


def _decode(table: Path) -> str:
    try:
        data = table.read_bytes()
    except OSError as error:
        msg = f"corpus.labels_csv {table} cannot be read: {error.strerror}"
        raise BadInputError(msg) from error
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        msg = f"corpus.labels_csv {table}, line {row}: expected UTF-8 text, found {error.reason}; save the file as UTF-8"
        raise BadInputError(msg) from error
    # A spreadsheet may name its separator in a line of its own before the header.
    return text.partition("\n")[2] if text[:4].lower() == "sep=" else text


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(_DELIMITERS, key=header.count)


def _header_problems(header: list[str]) -> list[str]:
    problems = [f"column {name!r} is unknown; known are {', '.join(LABEL_COLUMNS)}" for name in header if name not in LABEL_COLUMNS]
    problems += [f"column {name!r} is given {header.count(name)} times" for name in sorted(set(header)) if header.count(name) > 1]
    if "path" not in header:
        problems.append("column 'path' is missing")
    return [f"row 1: {problem}" for problem in problems]


def _rows(reader: Iterator[list[str]], header: list[str], problems: list[str]) -> Iterator[LabelRow]:
    for row, cells in enumerate(reader, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            problems.append(f"row {row}: expected {len(header)} cells, found {len(cells)}")
            continue
        # Spaces at the ends of a path belong to it; elsewhere they are typing.
        values = {name: cell if name in {"path", "audio"} else cell.strip() for name, cell in zip(header, cells, strict=True)}
        bad = [problem for name in ("path", "audio") if (problem := _path_problem(name, values.get(name, "")))]
        problems.extend(f"row {row}: {problem}" for problem in bad)
        if not bad:
            for name in ("path", "audio"):
                values[name] = posixpath.normpath(values[name]) if values.get(name) else ""
            yield LabelRow(row, **values)


def _path_problem(name: str, path: str) -> str:
    if not path.strip():
        return f"{name} is empty" if name == "path" else ""
    if "\0" in path:
        return f"{name} {path!r} holds a zero byte"
    if path.startswith("/") or posixpath.normpath(path).split("/")[0] == "..":
        return f"{name} {path!r} is not relative to the source folder, or leads out of it"
    return ""


def _repeated_paths(rows: list[LabelRow]) -> list[str]:
    first_rows: dict[str, int] = {}
    return [
        f"row {row.row}: path {row.path!r} is already given in row {first_rows[row.path]}"
        for row in rows
        if first_rows.setdefault(row.path, row.row) != row.row
    ]


def _describe(table: Path, problems: list[str]) -> str:
    shown = problems[:_PROBLEMS_SHOWN]
    more = [f"and {len(problems) - len(shown)} more"] if len(problems) > len(shown) else []
    return f"corpus.labels_csv {table} has {len(problems)} problem(s):\n" + "\n".join(f"  {line}" for line in shown + more)
