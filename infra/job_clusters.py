"""Dask clusters whose workers are jobs of SLURM or pods of Kubernetes, described in a YAML file, started for one run and gone after it.

``slurm:cluster.yaml`` and ``kubernetes:cluster.yaml`` stand where the address of a scheduler would. The libraries behind them are the
extra ``cluster``, imported when such a cluster is asked for. Each Dask worker has one thread, which looks after one recording.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.slurm_queue import await_first_worker, jobs_replaced, require_accepted
from storage_schemas.errors import BadInputError

GPU_RESOURCE = "GPU"
_KINDS = ("slurm", "kubernetes")


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SlurmSettings(_Settings):
    """One job of SLURM, and how many there are."""

    jobs: int = Field(1, ge=1, le=10_000, description="Jobs that are submitted")
    queue: str = Field("", description="Partition; empty: the default one")
    account: str = Field("", description="Account that is charged; empty: the user's own")
    cores: int = Field(16, ge=1, description="Processors of a job, each with a Dask worker")
    memory: str = Field("64GB", description="Memory of a job, for all its processors")
    walltime: str = Field(
        "08:00:00", pattern=r"^(\d+-)?\d{1,3}:\d\d:\d\d$", description="After this a job is ended; when all have, they are submitted anew"
    )
    gpus: int = Field(0, ge=0, description="GPUs of a job; with some it has one Dask worker for each instead, of the resource GPU")
    interface: str = Field("", description="Network interface, e.g. ib0; empty: the default one")
    directives: list[str] = Field(default_factory=list, description="Further lines after #SBATCH, e.g. --constraint=avx2")
    prologue: list[str] = Field(default_factory=list, description="Lines before the worker starts, e.g. source venv/bin/activate")
    python: str = Field("python", description="Interpreter with this project on the nodes")


class KubernetesSettings(_Settings):
    """One pod, and how many there are."""

    pods: int = Field(1, ge=1, le=10_000)
    name: str = Field("flowvqtalker", pattern=r"^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$")
    namespace: str = "default"
    image: str = Field(min_length=1, description="Container image with this project, by version or digest")
    cpu: int = Field(8, ge=1)
    memory: str = "32Gi"
    gpus: int = Field(0, ge=0, description="GPUs of a pod, which then has one Dask worker of the resource GPU")
    environment: dict[str, str] = Field(default_factory=dict, description="Variables; no secrets, those come by name")
    secrets: list[str] = Field(default_factory=list, description="Names of Kubernetes secrets that become variables, e.g. s3-credentials")


Found = TypeVar("Found", bound=_Settings)


def is_job_cluster(scheduler: str) -> bool:
    """Say whether a scheduler is asked for by a file rather than by its address."""
    kind, found, _ = scheduler.partition(":")
    return bool(found) and kind in _KINDS


@contextmanager
def job_cluster(scheduler: str) -> Iterator[str]:
    """Start a cluster, yield the address of its scheduler, and end it.

    Args:
        scheduler: ``slurm:FILE`` or ``kubernetes:FILE``.

    Raises:
        BadInputError: the file is wrong, or the library is not installed.
    """
    kind, _, path = scheduler.partition(":")
    if kind == "slurm":
        settings = read_settings(Path(path), SlurmSettings)
        with slurm_cluster(settings) as cluster, jobs_replaced(cluster, settings.jobs):
            yield str(cluster.scheduler_address)
        return
    with _kubernetes_cluster(read_settings(Path(path), KubernetesSettings)) as cluster:
        yield str(cluster.scheduler_address)


def read_settings(path: Path, kind: type[Found]) -> Found:
    """Read the description of a cluster.

    Raises:
        BadInputError: the file is missing or wrong; all problems are named.
    """
    try:
        return kind.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInputError(f"cannot read the cluster {path}: {error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise BadInputError(f"the cluster {path} has {error.error_count()} problem(s): {problems}") from error


def slurm_cluster(settings: SlurmSettings) -> Any:  # noqa: ANN401 - of a library that is there or not
    """Return a cluster whose scheduler runs here and whose workers are jobs, once the first of them is heard of.

    Raises:
        BadInputError: dask-jobqueue is not installed, or SLURM would not take the jobs.
        BuildFailedError: the jobs have ended without a worker.
    """
    cluster = _imported("dask_jobqueue", "SLURM", "dask-jobqueue").SLURMCluster(
        n_workers=0,
        queue=settings.queue or None,
        account=settings.account or None,
        cores=settings.gpus or settings.cores,
        processes=settings.gpus or settings.cores,
        job_cpu=settings.cores,
        memory=settings.memory,
        walltime=settings.walltime,
        interface=settings.interface or None,
        python=settings.python,
        job_script_prologue=settings.prologue,
        job_extra_directives=[*([f"--gres=gpu:{settings.gpus}"] if settings.gpus else []), *settings.directives],
        worker_extra_args=["--resources", f"{GPU_RESOURCE}=1"] if settings.gpus else [],
    )
    try:
        require_accepted(cluster.job_script())
        cluster.scale(jobs=settings.jobs)
        await_first_worker(cluster)
    except BaseException:
        cluster.close()
        raise
    return cluster


def kubernetes_resource(settings: KubernetesSettings) -> dict[str, Any]:
    """Return the resource `DaskCluster` that the Dask operator makes pods of."""
    return {
        "apiVersion": "kubernetes.dask.org/v1",
        "kind": "DaskCluster",
        "metadata": {"name": settings.name, "namespace": settings.namespace},
        "spec": {
            "worker": {"replicas": settings.pods, "spec": {"containers": [_worker_container(settings)]}},
            "scheduler": {"spec": {"containers": [_scheduler_container(settings)]}, "service": _service(settings.name)},
        },
    }


def _worker_container(settings: KubernetesSettings) -> dict[str, Any]:
    workers, resources = (1, ["--resources", f"{GPU_RESOURCE}=1"]) if settings.gpus else (settings.cpu, [])
    amounts: dict[str, Any] = {"cpu": str(settings.cpu), "memory": settings.memory}
    if settings.gpus:
        amounts["nvidia.com/gpu"] = str(settings.gpus)
    return {
        "name": "worker",
        "image": settings.image,
        "args": ["dask", "worker", "--name", "$(DASK_WORKER_NAME)", "--nworkers", str(workers), "--nthreads", "1", *resources],
        "env": [{"name": name, "value": value} for name, value in sorted(settings.environment.items())],
        "envFrom": [{"secretRef": {"name": name}} for name in settings.secrets],
        "resources": {"requests": amounts, "limits": amounts},
    }


def _scheduler_container(settings: KubernetesSettings) -> dict[str, Any]:
    ports = [{"name": "tcp-comm", "containerPort": 8786}, {"name": "http-dashboard", "containerPort": 8787}]
    probe = {"httpGet": {"port": "http-dashboard", "path": "/health"}, "initialDelaySeconds": 5, "periodSeconds": 10}
    return {"name": "scheduler", "image": settings.image, "args": ["dask", "scheduler"], "ports": ports, "readinessProbe": probe}


def _service(name: str) -> dict[str, Any]:
    selector = {"dask.org/cluster-name": name, "dask.org/component": "scheduler"}
    ports = [{"name": port, "port": number, "protocol": "TCP", "targetPort": port} for port, number in _PORTS.items()]
    return {"type": "ClusterIP", "selector": selector, "ports": ports}


_PORTS = {"tcp-comm": 8786, "http-dashboard": 8787}


def _kubernetes_cluster(settings: KubernetesSettings) -> Any:  # noqa: ANN401 - of a library that is there or not
    library = _imported("dask_kubernetes.operator", "Kubernetes", "dask-kubernetes")
    return library.KubeCluster(custom_cluster_spec=kubernetes_resource(settings), namespace=settings.namespace)


def _imported(module: str, what: str, package: str) -> Any:  # noqa: ANN401 - a module that is there or not
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BadInputError(f"clusters on {what} need {package}: pip install 'flowvqtalker[cluster]'") from error
