"""What ten thousand rows cost besides the rendering, in process and on a work pool: task runs, the server's database, and time.

Their portrait has no face, so that each row goes the whole way but for the networks: planned, handed over, found out, noted, shown.
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
from tests.factories.running_services import running_services

ROWS = 10_000
CHUNK_CLIPS = 512
_LOGGER = logging.getLogger(__name__)


pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]


@pytest.fixture
def scripts(render_runs: RenderStore) -> Path:
    rows = [{"portrait": "none.png", "audio": "short.wav", "emotion": EMOTION, "seed": seed} for seed in range(ROWS)]
    return render_runs.write_list("long.csv", rows)


def test_ten_thousand_rows_are_few_task_runs_and_a_small_database(
    scripts: Path, render_runs: RenderStore, tmp_path: Path, command_line: CommandLine
) -> None:
    rendered_at_little_cost(command_line, scripts, render_runs, tmp_path / "out", command_line.home / "server-0" / "prefect.db")


def test_so_they_are_on_a_work_pool(scripts: Path, render_runs: RenderStore, tmp_path: Path, command_line: CommandLine) -> None:
    with running_services(command_line, render_runs.uri) as services:
        environment = {"PREFECT_API_URL": services.api_url, "FLOWVQTALKER_RENDER_DEPLOYMENT": "render_chunk/gpu"}
        asking, database = CommandLine(tmp_path / "asking", environment), command_line.home / "up" / "prefect.db"
        rendered_at_little_cost(asking, scripts, render_runs, tmp_path / "out", database)
        assert count_in(database, "flow_run where state_type = 'COMPLETED'") == -(-ROWS // CHUNK_CLIPS)


def rendered_at_little_cost(command_line: CommandLine, scripts: Path, render_runs: RenderStore, out: Path, database: Path) -> None:
    """Render a list whose rows all fail, and look at what it cost."""
    started = time.perf_counter()
    done = command_line.run(
        "render", scripts, "--models", render_runs.uri, "--out", out, "--chunk-clips", CHUNK_CLIPS, "--json", timeout_s=2000
    )
    seconds = time.perf_counter() - started

    summary = json.loads(done.stdout)
    assert (summary["rows"], summary["failures"]) == (ROWS, {"bad_portrait": ROWS})
    runs, size = (count_in(database, "task_run"), count_in(database, "flow_run")), size_of(database)
    _LOGGER.info("%d rows: %.1f s, %d task runs, %d flow runs, a database of %.1f MB", ROWS, seconds, *runs, size / 1e6)
    assert runs[0] <= 200
    assert size < 50e6


def count_in(database: Path, what: str) -> int:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return int(connection.execute(f"select count(*) from {what}").fetchone()[0])  # noqa: S608 - of this file


def size_of(database: Path) -> int:
    return sum(path.stat().st_size for path in database.parent.glob(f"{database.name}*"))
