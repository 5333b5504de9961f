"""The demonstration as a whole: what it leaves, that it may be killed, and that it finds again what is done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flows.demo import STAGES
from storage_schemas.demo_summary import DemoSummary
from tests.factories.repository import ROOT

_TIMES = {"seconds", "seconds_total", "seconds_this_run", "reused"}


def demonstration(folder: Path, dies_in: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    environment["FLOWVQTALKER_HOME"] = str(folder / "home")
    command = [sys.executable, "-m", "tests.factories.demo_child", str(folder / "an output"), dies_in]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demonstration_may_be_killed_and_leaves_what_it_says(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the optional extra `speech` is not installed")
    for stage in ("corpus", "expflow", "render"):
        assert demonstration(tmp_path, stage).returncode == -signal.SIGKILL, stage

    runs = [demonstration(tmp_path) for _ in range(2)]

    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr
    first, again = (DemoSummary.model_validate(json.loads(run.stdout)) for run in runs)
    assert again.reused == list(STAGES[:-1])
    assert again.model_dump(exclude=_TIMES) == first.model_dump(exclude=_TIMES)
    out = tmp_path / "an output"
    assert DemoSummary.model_validate(json.loads((out / "summary.json").read_text())) == again
    assert first.failed() == []
    assert {render.emotion for render in first.renders if not render.reference} == {
        "angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad", "surprised",
    }  # fmt: skip
    for place in (first.report, first.index, first.portrait, "sheet.png", *(render.file for render in first.renders)):
        assert (out / place).stat().st_size > 0, place
