"""What the commands print: results on stdout, everything for people's eyes on stderr, JSON as one object."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from pipelines.figure_meaning import FigureMeaning

_STDERR = Console(stderr=True)
_STDOUT = Console()


class Advance(Protocol):
    """Tells a progress bar how far the work is."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Report `done` of `total` items, with a short note such as counts."""


def say_error(message: str) -> None:
    """Write an error for people to stderr."""
    _STDERR.print(f"error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """Write one line for people to stderr."""
    _STDERR.print(message, markup=False, highlight=False, soft_wrap=True)


def write_json(value: dict[str, Any]) -> None:
    """Write one JSON object and a newline to stdout."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode() + "\n")
    sys.stdout.flush()


def write_table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    """Write a table to stdout."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*[_cell(value) for value in row])
    _STDOUT.print(table, markup=False)


def write_figures(figures: Mapping[str, float | None], meanings: Mapping[str, FigureMeaning]) -> None:
    """Write the figures of an evaluation to stdout: what was found, what is wanted, and what it means."""
    rows = []
    for name, value in figures.items():
        figure = meanings[name]
        verdict = "" if value is None or not figure.wanted else "yes" if figure.is_met(value) else "no"
        rows.append([name, "not measured" if value is None else value, figure.wanted, verdict, figure.meaning])
    write_table("figures", ["figure", "found", "wanted", "met", "meaning"], rows)


def write_line(text: str) -> None:
    """Write one line of a result to stdout."""
    _STDOUT.print(text, markup=False, highlight=False, soft_wrap=True)


def _cell(value: Any) -> str:  # noqa: ANN401 - anything that can be shown
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.3g}" if isinstance(value, float) else str(value)
    return text.replace("[", "\\[")


@contextmanager
def progress_bar(title: str, *, quiet: bool) -> Iterator[Advance]:
    """Show a progress bar on stderr while the context lasts; nothing when `quiet` or when stderr is no terminal."""
    if quiet or not _STDERR.is_terminal:
        yield lambda done, total, note="": None  # noqa: ARG005
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )  # fmt: skip
    with Progress(*columns, console=_STDERR, transient=True) as bar:
        row = bar.add_task(title, total=None, note="")

        def advance(done: int, total: int, note: str = "") -> None:
            bar.update(row, completed=done, total=total, note=note)

        yield advance
