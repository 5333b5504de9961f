"""What is made of SLURM's answers, said here by small programs in its place; a real one is in tests/flows/test_builds_on_slurm.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.slurm_queue import await_first_worker, jobs_replaced, present_jobs, require_accepted
from storage_schemas.errors import BadInputError, BuildFailedError


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the programs of SLURM, the only one on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def says(folder: Path, program: str, text: str, code: int = 0) -> None:
    path = folder / program
    path.write_text(f"#!/bin/sh\necho '{text}' >&{2 if code else 1}\nexit {code}\n")
    path.chmod(0o755)


class ClusterOfJobs:
    """Stands for dask-jobqueue's: jobs with ids, and workers once they are asked for often enough."""

    def __init__(self, jobs: int, workers: int = 0) -> None:
        self.workers = {number: SimpleNamespace(job_id=str(100 + number)) for number in range(jobs)}
        self.scheduler_info: dict[str, Any] = {"workers": dict.fromkeys(range(workers))}
        self.asked: list[int] = []
        self.is_closed = False

    def scale(self, n: int | None = None, jobs: int = 0) -> None:
        self.asked.append(jobs)
        self.workers = {number: SimpleNamespace(job_id=str(200 + number)) for number in range(jobs)}
        self.replaced(n)

    def replaced(self, n: int | None) -> None:
        """What comes of new jobs."""

    def close(self) -> None:
        self.is_closed = True


def test_without_slurm_it_says_where_to_start(programs: Path) -> None:
    with pytest.raises(BadInputError, match=r"sbatch.*login node"):
        require_accepted("#!/bin/sh\n")


def test_a_job_that_would_not_be_taken_is_refused_in_the_words_of_slurm(programs: Path) -> None:
    says(programs, "sbatch", "sbatch: error: invalid partition specified: nowhere", code=1)

    with pytest.raises(BadInputError, match=r"would not take the jobs .*invalid partition specified: nowhere"):
        require_accepted("#!/bin/sh\n")
    says(programs, "sbatch", "sbatch: Job 7 to start at noon")
    require_accepted("#!/bin/sh\n")


def test_jobs_are_unknown_while_slurm_does_not_say(programs: Path) -> None:
    says(programs, "squeue", "100\n101")
    assert present_jobs() == {"100", "101"}
    says(programs, "squeue", "Unable to contact slurm controller", code=1)
    assert present_jobs() is None


def test_jobs_that_end_without_a_worker_are_named(programs: Path) -> None:
    says(programs, "squeue", "77")

    with pytest.raises(BuildFailedError, match=r"all 2 jobs .* see slurm-100\.out, slurm-101\.out"):
        await_first_worker(ClusterOfJobs(2))
    await_first_worker(ClusterOfJobs(2, workers=1))


def test_jobs_that_have_gone_are_submitted_anew(programs: Path) -> None:
    says(programs, "squeue", "")

    class Revived(ClusterOfJobs):
        def replaced(self, n: int | None) -> None:
            if n is None:
                self.scheduler_info["workers"] = {"new": None}

    cluster = Revived(2)
    with jobs_replaced(cluster, 2, every_s=0.01):
        _wait_until(lambda: bool(cluster.scheduler_info["workers"]))

    assert cluster.asked == [0, 2]
    assert not cluster.is_closed


def test_new_jobs_that_bring_no_worker_close_the_cluster(programs: Path) -> None:
    says(programs, "squeue", "")
    cluster = ClusterOfJobs(2)

    with jobs_replaced(cluster, 2, every_s=0.01):
        _wait_until(lambda: cluster.is_closed)

    assert cluster.asked == [0, 2]


def test_jobs_that_wait_are_left_alone(programs: Path) -> None:
    says(programs, "squeue", "101")
    cluster = ClusterOfJobs(2)

    with jobs_replaced(cluster, 2, every_s=0.01):
        time.sleep(0.3)

    assert cluster.asked == []


def _wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
