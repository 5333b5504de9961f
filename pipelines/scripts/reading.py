"""Reading a script list: every row that is well formed, and everything that is wrong with the others, in one pass.

Nothing outside the list is looked at; whether its files are there is for `checking` to say.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipelines.scripts.list_files import RawRow, UnreadableListError, open_list
from pipelines.scripts.row_rules import canonical_emotion, row_problems
from storage_schemas.errors import BadInputError
from storage_schemas.script_rows import COLUMNS, NumberedRow, ScriptProblem, ScriptProblemReason, ScriptRow

_DECIMAL_COMMA = re.compile(r"^\s*\d*,\d+\s*$")
_SHOWN = 60


@dataclass(frozen=True)
class ScriptList:
    """A script list: its good rows, and what is wrong with the others.

    Attributes:
        rows: those without a problem, in order.
        problems: by row, the whole list's (row 0) first.
    """

    rows: list[NumberedRow] = field(default_factory=list)
    problems: list[ScriptProblem] = field(default_factory=list)

    def list_problems(self) -> list[ScriptProblem]:
        """Return the problems of the list as a whole, with which no row of it should be rendered."""
        return [problem for problem in self.problems if not problem.row]

    def with_problems(self, found: Sequence[ScriptProblem]) -> ScriptList:
        """Return the list with more problems, and without the rows that have them."""
        bad = {problem.row for problem in found}
        problems = sorted([*self.problems, *found], key=lambda problem: problem.row)
        return ScriptList([numbered for numbered in self.rows if numbered.number not in bad], problems)


def read_script_list(path: Path) -> ScriptList:
    """Read a list from CSV (commas, semicolons or tabs; with or without byte-order mark), JSON lines or Parquet.

    Never raises for what is in the file: everything that is wrong is a `ScriptProblem`.
    """
    found = ScriptList()
    try:
        with open_list(path) as raw:
            names = {} if raw.columns is None else _column_names(raw.columns, found.problems)
            if raw.columns is not None:
                _require_columns(set(names.values()), found.problems)
            for row in raw.rows:
                _read_row(row, names, has_header=raw.columns is not None, found=found)
    except UnreadableListError as error:
        found.problems.append(ScriptProblem(row=0, column="", reason=ScriptProblemReason.UNREADABLE_LIST, message=str(error)))
    if not found.rows and not found.problems:
        message = "expected a header and at least one row, found none"
        found.problems.append(ScriptProblem(row=0, column="", reason=ScriptProblemReason.EMPTY_LIST, message=message))
    return ScriptList(found.rows, sorted(found.problems, key=lambda problem: problem.row))


def _column_names(columns: Sequence[str], problems: list[ScriptProblem]) -> dict[str, str]:
    """Return the schema's name of each column that it knows; columns without a name may stay if they are empty."""
    names: dict[str, str] = {}
    for column in columns:
        name = column.strip().lower()
        if name in names.values():
            message = f"the column {name!r} is there twice; keep one of them"
            problems.append(ScriptProblem(row=0, column=name, reason=ScriptProblemReason.UNKNOWN_COLUMN, message=message))
        elif name in COLUMNS:
            names[column] = name
        elif name:
            problems.append(_unknown_column(0, column))
    return names


def _unknown_column(row: int, column: str) -> ScriptProblem:
    near = difflib.get_close_matches(column.strip().lower(), COLUMNS, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(COLUMNS)}"
    return ScriptProblem(
        row=row, column=shown(column), reason=ScriptProblemReason.UNKNOWN_COLUMN, message=f"there is no column {shown(column)!r}; {hint}"
    )


def _require_columns(names: set[str], problems: list[ScriptProblem]) -> None:
    for choice in (("portrait",), ("audio", "text")):
        if not names & set(choice):
            message = f"the column {' or '.join(choice)} is missing; `flowvqtalker scripts template` writes a list that has all of them"
            problems.append(ScriptProblem(row=0, column=choice[0], reason=ScriptProblemReason.MISSING_COLUMN, message=message))


def _read_row(raw: RawRow, names: dict[str, str], *, has_header: bool, found: ScriptList) -> None:
    if raw.values is None:
        problem = ScriptProblem(row=raw.number, column="", reason=ScriptProblemReason.UNREADABLE_ROW, message=raw.problem)
        found.problems.append(problem)
        return
    problems: list[ScriptProblem] = []
    values = dict(_known_values(raw, names, has_header=has_header, problems=problems))
    try:
        row = ScriptRow.model_validate(values)
    except ValidationError as error:
        problems += [_as_problem(raw.number, details) for details in error.errors()]
    else:
        problems += row_problems(raw.number, row)
        if not problems:
            found.rows.append(NumberedRow(raw.number, row))
    found.problems.extend(problems)


def _known_values(raw: RawRow, names: dict[str, str], *, has_header: bool, problems: list[ScriptProblem]) -> Iterator[tuple[str, Any]]:
    for column, value in (raw.values or {}).items():
        if _is_empty(value):
            continue
        name = names.get(column, "") if has_header else column.strip().lower()
        if name not in COLUMNS:
            if not has_header:
                problems.append(_unknown_column(raw.number, column))
            continue
        try:
            yield name, _plain(name, value)
        except BadInputError as error:
            reason = ScriptProblemReason.UNKNOWN_EMOTION if name == "emotion" else ScriptProblemReason.BAD_VALUE
            problems.append(ScriptProblem(row=raw.number, column=name, reason=reason, message=str(error)))


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and math.isnan(value))


def _plain(name: str, value: Any) -> Any:  # noqa: ANN401 - whatever the file holds
    """Return a value in the one way in which it is stored and hashed."""
    if name in ("intensity", "seed", "takes"):
        if isinstance(value, bool):
            raise BadInputError(f"expected a number, found {str(value).lower()}")
        return value.replace(",", ".") if isinstance(value, str) and _DECIMAL_COMMA.match(value) else value
    return canonical_emotion(value) if name == "emotion" and isinstance(value, str) else value


def _as_problem(number: int, details: Mapping[str, Any]) -> ScriptProblem:
    column, value = str(details["loc"][0]) if details["loc"] else "", details["input"]
    if details["type"] == "missing":
        reason, message = ScriptProblemReason.MISSING_VALUE, f"the row has no {column}"
    elif details["type"] == "string_too_long" and column == "text":
        limit = details.get("ctx", {}).get("max_length")
        reason = ScriptProblemReason.TEXT_TOO_LONG
        message = (
            f"expected at most {limit:,} characters, found {len(value):,}; cut the text into several rows, or give its speech as audio"
        )
    else:
        reason = ScriptProblemReason.BAD_VALUE
        message = f"{details['msg'][0].lower()}{details['msg'][1:]}, found {shown(value)!r}"
    return ScriptProblem(row=number, column=column, reason=reason, message=message)


def shown(value: object) -> str:
    """Return a value of a row for a message: on one line, and not too long."""
    text = " ".join(str(value).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
