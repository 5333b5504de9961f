"""What SLURM's own commands say of jobs: whether they would be taken, and which of them there still are."""

from __future__ import annotations

import logging
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from storage_schemas.errors import BadInputError, BuildFailedError

_LOGGER = logging.getLogger(__name__)
_ANSWERS_WITHIN_S = 120.0
_SUBMITTED_WITHIN_S = 120.0
_LOOKS_EVERY_S = 5.0


def require_accepted(script: str) -> None:
    """Ask SLURM whether it would take a job, without submitting it.

    Args:
        script: of the job.

    Raises:
        BadInputError: this machine has no commands of SLURM, or SLURM would not take the job.
    """
    if shutil.which("sbatch") is None:
        raise BadInputError(
            "jobs of SLURM are submitted with `sbatch`, and this machine has none on its PATH; start the run on a login node"
        )
    with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as file:
        file.write(script)
        file.flush()
        found = _answer("sbatch", "--test-only", file.name)
    if found.returncode:
        said = " ".join((found.stderr or found.stdout).split())
        raise BadInputError(f"SLURM would not take the jobs of the cluster's file: {said}")


def await_first_worker(cluster: Any, *, gone: Collection[str] = (), ended: threading.Event | None = None) -> None:  # noqa: ANN401
    """Wait until a worker of a cluster is heard of, however long its jobs are queued.

    Args:
        cluster: of dask-jobqueue, with its jobs asked for.
        gone: jobs that are not counted.
        ended: is set when nobody waits any more.

    Raises:
        BuildFailedError: no job was taken within two minutes, or all have ended without a worker.
    """
    ended, began_s = ended or threading.Event(), time.monotonic()
    while not cluster.scheduler_info["workers"] and not ended.wait(_LOOKS_EVERY_S / 5):
        submitted = _submitted(cluster).difference(gone)
        if not submitted and time.monotonic() - began_s > _SUBMITTED_WITHIN_S:
            raise BuildFailedError(
                f"SLURM has taken none of the jobs within {_SUBMITTED_WITHIN_S:.0f} s; see what `sbatch` and `sinfo` say"
            )
        present = present_jobs() if submitted else None
        if present is not None and submitted.isdisjoint(present) and not cluster.scheduler_info["workers"]:
            logs = ", ".join(f"slurm-{job}.out" for job in sorted(submitted)[:3])
            raise BuildFailedError(f"all {len(submitted)} jobs of SLURM ended before a Dask worker was heard of; see {logs}")


def _submitted(cluster: Any) -> set[str]:  # noqa: ANN401
    """Return the ids of the jobs that SLURM has taken."""
    return {str(job.job_id) for job in list(cluster.workers.values()) if getattr(job, "job_id", None)}


def present_jobs() -> set[str] | None:
    """Return the ids of this user's jobs that wait or run; None: SLURM does not say."""
    try:
        found = _answer("squeue", "--me", "--noheader", "--format=%A")
    except BuildFailedError:
        return None
    return None if found.returncode else set(found.stdout.split())


def _answer(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=_ANSWERS_WITHIN_S)  # noqa: S603 - fixed programs
    except subprocess.TimeoutExpired as error:
        raise BuildFailedError(f"`{command[0]}` has not answered for {_ANSWERS_WITHIN_S:.0f} s; see whether SLURM is up") from error


@contextmanager
def jobs_replaced(cluster: Any, jobs: int, every_s: float = _LOOKS_EVERY_S) -> Iterator[None]:  # noqa: ANN401 - of a library
    """Submit the jobs of a cluster anew whenever all have gone, as at the end of their walltime; Dask would wait for ever.

    The new jobs must bring a worker; where they do not, the cluster is closed, which ends what waits for it with an error.

    Args:
        cluster: of dask-jobqueue, with workers.
        jobs: how many there are to be.
        every_s: how often SLURM is asked.
    """
    ended = threading.Event()
    watcher = threading.Thread(target=_replace_jobs, args=(cluster, jobs, ended, every_s), name="jobs of SLURM", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _replace_jobs(cluster: Any, jobs: int, ended: threading.Event, every_s: float) -> None:  # noqa: ANN401
    while not ended.wait(every_s):
        submitted = _submitted(cluster)
        present = None if cluster.scheduler_info["workers"] else present_jobs()
        if present is None or not submitted.isdisjoint(present):
            continue
        _LOGGER.warning("all %d jobs of SLURM have ended before the work was done; they are submitted anew", len(submitted))
        try:
            cluster.scale(0)
            cluster.scale(jobs=jobs)
            await_first_worker(cluster, gone=submitted, ended=ended)
        except BuildFailedError as error:
            _LOGGER.error("%s", error)  # noqa: TRY400 - it says all there is to say
            cluster.close()
            return
