"""What ten thousand rows cost besides the rendering: task runs, the server's database, and time.

Their sound cannot be read, so that each row goes the whole way but for the networks: planned, handed over, found out, noted, shown.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from pathlib import Path

import pytest

from tests.factories.build_processes import CommandLine
from tests.factories.render_stores import EMOTION, RenderStore

ROWS = 10_000
_LOGGER = logging.getLogger(__name__)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_ten_thousand_rows_are_few_task_runs_and_a_small_database(
    render_runs: RenderStore, tmp_path: Path, command_line: CommandLine
) -> None:
    (render_runs.folder / "broken.wav").write_bytes(b"RIFF of nothing")
    rows = [{"portrait": "one.png", "audio": "broken.wav", "emotion": EMOTION, "seed": seed} for seed in range(ROWS)]
    scripts = render_runs.write_list("long.csv", rows)

    started = time.perf_counter()
    done = command_line.run("render", scripts, "--models", render_runs.uri, "--out", tmp_path / "out", "--json", timeout_s=1000)
    seconds = time.perf_counter() - started

    summary = json.loads(done.stdout)
    assert (summary["rows"], summary["rows_failed"]) == (ROWS, ROWS)
    database = command_line.home / "server-0" / "prefect.db"
    task_runs, size = task_runs_in(database), size_of(database)
    _LOGGER.info("%d rows: %.1f s, %d task runs, a database of %.1f MB", ROWS, seconds, task_runs, size / 1e6)
    assert task_runs <= 200
    assert size < 50e6


def task_runs_in(database: Path) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return int(connection.execute("select count(*) from task_run").fetchone()[0])


def size_of(database: Path) -> int:
    return sum(path.stat().st_size for path in database.parent.glob(f"{database.name}*"))
