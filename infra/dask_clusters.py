"""Where Dask runs: in this process on a laptop, on an existing scheduler by address, or as jobs of SLURM or pods of Kubernetes.

Every recording is handled in a process of its own (`pipelines.dataset.isolation`), so a Dask worker is only the thread that looks
after it: on one machine, workers that are threads of this process start at once and cost no memory.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import dask
from distributed import Client, LocalCluster

from infra.job_clusters import is_job_cluster, job_cluster
from storage_schemas.errors import BadInputError

_LOGGER = logging.getLogger(__name__)
_LOCAL_DASK = {
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.profile.enabled": False,  # samples every thread's stack 100 times a second
    "distributed.scheduler.work-stealing": False,
    "distributed.admin.system-monitor.interval": "5s",
}
"""Dask workers that are threads of this process and only wait for their children need no watching."""


def default_workers() -> int:
    """Return how many recordings are handled at once when nobody says: one per processor this process may use."""
    return max(1, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@contextmanager
def dask_scheduler(scheduler: str = "", workers: int = 0, connect_timeout_s: float = 20.0) -> Iterator[str]:
    """Yield the address of an existing scheduler, or of a local cluster that ends with the context.

    Args:
        scheduler: address such as ``tcp://10.0.0.5:8786``, or ``slurm:FILE`` or ``kubernetes:FILE``; empty: a local cluster.
        workers: Dask workers of the local cluster; 0: `default_workers`.
        connect_timeout_s: how long to wait for an existing scheduler.

    Raises:
        BadInputError: no scheduler answers at the address.
    """
    if is_job_cluster(scheduler):
        with job_cluster(scheduler) as address:
            yield address
        return
    if scheduler:
        _check_answers(scheduler, connect_timeout_s)
        yield scheduler
        return
    with (
        dask.config.set(_LOCAL_DASK),
        LocalCluster(
            n_workers=workers or default_workers(),
            threads_per_worker=1,
            processes=False,
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs=logging.CRITICAL,
        ) as cluster,
    ):
        yield cluster.scheduler_address


def _check_answers(scheduler: str, timeout_s: float) -> None:
    try:
        Client(scheduler, timeout=timeout_s, set_as_default=False).close()
    except (OSError, TimeoutError, ValueError) as error:
        msg = f"no Dask scheduler answers at {scheduler!r} within {timeout_s:.0f} s ({error}); check the address or leave --scheduler out"
        raise BadInputError(msg) from error
