"""Shows which stage runs and how far it is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Advance = Callable[[int, int, str], None]
_LINE_EVERY_S = 10.0


class StageDisplay:
    """Tells people on stderr what happens; a context manager.

    Args:
        texts: what each stage does.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        # Native libraries' noise is hidden by turning descriptor 2 elsewhere; what is shown here goes past that.
        self._console = Console(file=os.fdopen(os.dup(2), "w"), soft_wrap=True)
        self._texts = texts

    def __enter__(self) -> StageDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        self._console.file.close()

    @contextmanager
    def stage(self, name: str, number: int, count: int) -> Iterator[Advance]:
        """See `flows.demo.StageWatcher`."""
        title, started_s = f"{number}/{count} {name}", time.monotonic()
        self._say(f"{title}: {self._texts.get(name, '')}")
        with self._bar(name) if self._console.is_terminal else self._lines(title) as advance:
            yield advance
        self._say(f"{title}: done in {time.monotonic() - started_s:.1f} s")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)

    @contextmanager
    def _bar(self, name: str) -> Iterator[Advance]:
        columns = (
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[counted]}"), TimeElapsedColumn(),
            TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
        )  # fmt: skip
        with Progress(*columns, console=self._console, transient=True) as progress:
            row = progress.add_task(name, total=None, note="starting", counted="")

            def advance(done: int, total: int, note: str) -> None:
                progress.update(row, completed=done, total=total or None, note=note, counted=f"{done}/{total}" if total else "")

            yield advance

    @contextmanager
    def _lines(self, title: str) -> Iterator[Advance]:
        """Say every ten seconds how far it is, whether or not anything has moved."""
        last, over, started_s = ["starting"], threading.Event(), time.monotonic()

        def advance(done: int, total: int, note: str) -> None:
            last[0] = f"{f'{done}/{total} ' if total else ''}{note}"

        def talk() -> None:
            while not over.wait(_LINE_EVERY_S):
                self._say(f"{title}: {last[0]} ({time.monotonic() - started_s:.0f} s)")

        thread = threading.Thread(target=talk, name="stage-display", daemon=True)
        thread.start()
        try:
            yield advance
        finally:
            over.set()
            thread.join()
