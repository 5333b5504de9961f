"""A small demonstration in a process of its own, which may kill itself in a stage: OUT [STAGE]; prints the summary."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.demo import STAGES, TRAINED, Advance, run_demo
from storage_schemas.demo_summary import DemoSettings, TrainingShare

SETTINGS = DemoSettings(clips=8, speakers=2, takes=1, trainings={kind: TrainingShare(steps=4, max_minutes=0) for kind in TRAINED})


class Watcher:
    """Kills the process when a stage has made something."""

    def __init__(self, dies_in: str) -> None:
        self._dies_in = dies_in

    @contextmanager
    def stage(self, name: str, number: int, count: int) -> Iterator[Advance]:
        assert (number, count) == (STAGES.index(name) + 1, len(STAGES))

        def advance(done: int, total: int, note: str) -> None:
            if name == self._dies_in and done:
                os.kill(os.getpid(), signal.SIGKILL)

        yield advance


if __name__ == "__main__":
    summary = run_demo(Path(sys.argv[1]), SETTINGS, Watcher(sys.argv[2] if len(sys.argv) > 2 else ""))
    sys.stdout.write(summary.model_dump_json())
