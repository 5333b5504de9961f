"""A rendering that is killed again and again: nothing half-written, nothing twice, the same bytes as one that was not."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from tests.factories.render_stores import RenderStore, rendered, requested, rows_of

ROWS, KILLS = 60, 10


def clips(out: Path) -> dict[str, tuple[int, int]]:
    """Return the clips under final names, each of which must be whole, with inode and time."""
    found = {}
    for path in [path for folder in ("clips", "named") for path in sorted((out / folder).glob("*"))]:
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == container.streams.video[0].frames > 0
        found[path.relative_to(out).as_posix()] = (path.stat().st_ino, path.stat().st_mtime_ns)
    return found


@pytest.mark.slow
@pytest.mark.chaos
def test_ten_kills_change_nothing(render_runs: RenderStore, tmp_path: Path) -> None:
    rows = rows_of(ROWS)
    for number in range(0, ROWS, 3):
        rows[number]["output"] = f"named/clip {number}"
    path = render_runs.write_list("killed.csv", rows)
    rendered(requested(render_runs, path, str(tmp_path / "whole"), group_clips=8), tmp_path)
    request = requested(render_runs, path, str(tmp_path / "broken"), group_clips=8)
    (tmp_path / "request.json").write_text(request.model_dump_json(), encoding="utf-8")
    before: dict[str, tuple[int, int]] = {}
    chance = np.random.default_rng(7)
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.factories.rendering_child", str(tmp_path / "request.json"), str(tmp_path)],
            stderr=subprocess.DEVNULL,
        )
        until = len(before) + int(chance.choice([0, 1, 2, 3]))
        while child.poll() is None and len(list((tmp_path / "broken").glob("[cn]*/*"))) < until:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.3))
        child.kill()
        child.wait()
        now = clips(tmp_path / "broken")
        assert {name: now.get(name) for name in before} == before
        before = now

    tally = rendered(request, tmp_path)

    assert tally.rows()["rows_skipped"] == len(before)
    assert tally.rows()["rows_failed"] == 0
    hashes = [
        {name: hashlib.sha256((tmp_path / run / name).read_bytes()).hexdigest() for name in clips(tmp_path / run)}
        for run in ("whole", "broken")
    ]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == ROWS
    assert list((tmp_path / "broken" / "scratch").iterdir()) == []
