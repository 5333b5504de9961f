"""A recording that hangs, crashes or eats memory costs itself only."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipelines.dataset.isolation import IsolatedProcess, LimitExceededError, Limits, run_twice
from storage_schemas.errors import StoreError
from storage_schemas.rejections import RejectionReason

GENEROUS = Limits(time_s=60, memory_mb=4000)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[IsolatedProcess]:
    with IsolatedProcess(tmp_path / "child.log", module="tests.factories.misbehaving_child") as child:
        yield child


def test_answers_and_keeps_the_child(process: IsolatedProcess) -> None:
    first, second = (process.run({"do": "echo", "name": "a\n$(b)"}, GENEROUS) for _ in range(2))
    assert first["echo"]["name"] == "a\n$(b)"
    assert first["pid"] == second["pid"]


def test_a_hang_that_holds_the_gil_is_killed_and_the_next_request_is_served(process: IsolatedProcess) -> None:
    process.run({"do": "echo"}, GENEROUS)
    with pytest.raises(LimitExceededError, match=r"longer than its allowance of 1 s") as caught:
        process.run({"do": "hang"}, Limits(time_s=1, memory_mb=4000))
    assert caught.value.reason is RejectionReason.TIME_LIMIT
    assert process.run({"do": "echo"}, GENEROUS)["echo"] == {"do": "echo"}


def test_memory_over_the_limit_is_killed(process: IsolatedProcess) -> None:
    with pytest.raises(LimitExceededError, match="more than the allowed 200 MB") as caught:
        process.run({"do": "eat"}, Limits(time_s=60, memory_mb=200))
    assert caught.value.reason is RejectionReason.MEMORY_LIMIT


def test_time_grows_with_the_media_handled(process: IsolatedProcess) -> None:
    request = {"do": "work", "steps": 6, "step_s": 0.3}
    answer = process.run(request, Limits(time_s=20, memory_mb=4000))  # start-up apart
    assert answer["echo"] == request
    process.run(request, Limits(time_s=0.9, memory_mb=4000, time_per_media_s=1.0))
    with pytest.raises(LimitExceededError, match="longer than its allowance"):
        process.run(request, Limits(time_s=0.9, memory_mb=4000, time_per_media_s=0.1))


def test_a_halt_half_way_is_known_by_its_silence(process: IsolatedProcess) -> None:
    process.run({"do": "echo"}, GENEROUS)
    with pytest.raises(LimitExceededError, match=r"came to a halt for more than 1 s after 600 s of media") as caught:
        process.run({"do": "stop_half_way", "media_s": 600}, Limits(time_s=1, memory_mb=4000, time_per_media_s=20.0, silence_s=1.0))
    assert caught.value.reason is RejectionReason.TIME_LIMIT


def test_signs_of_progress_break_the_silence(process: IsolatedProcess) -> None:
    process.run({"do": "echo"}, GENEROUS)
    limits = Limits(time_s=20, memory_mb=4000, silence_s=1.0)
    assert process.run({"do": "work", "steps": 4, "step_s": 0.5}, limits)["echo"]["steps"] == 4


def test_a_crash_names_its_status(process: IsolatedProcess) -> None:
    with pytest.raises(LimitExceededError, match=r"died with status -6 \(SIGABRT\)") as caught:
        process.run({"do": "crash"}, GENEROUS)
    assert caught.value.reason is RejectionReason.CRASHED
    assert caught.value.details == {"status": -6}


def test_one_unlucky_crash_is_no_verdict(process: IsolatedProcess, tmp_path: Path) -> None:
    answer = run_twice(process, {"do": "crash_once", "marker": str(tmp_path / "crashed")}, GENEROUS)
    assert answer["echo"]["do"] == "crash_once"


def test_two_crashes_are(process: IsolatedProcess) -> None:
    with pytest.raises(LimitExceededError):
        run_twice(process, {"do": "crash"}, GENEROUS)


def test_a_full_store_is_no_fault_of_the_recording(process: IsolatedProcess) -> None:
    with pytest.raises(StoreError, match="no space left"):
        process.run({"do": "full"}, GENEROUS)


def test_the_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from pipelines.dataset.isolation import IsolatedProcess\n"
        f"p = IsolatedProcess(Path({str(tmp_path / 'log')!r})); p.start(); print(p._process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    time.sleep(0.5)  # until it has asked for the signal
    parent.kill()
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs([child], timeout=10)
    assert not alive or child.status() == psutil.STATUS_ZOMBIE
