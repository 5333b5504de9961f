"""What would be submitted to SLURM and Kubernetes, compared with what is expected; neither is there to be asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.dask_clusters import dask_scheduler
from infra.job_clusters import KubernetesSettings, SlurmSettings, is_job_cluster, kubernetes_resource, read_settings, slurm_cluster
from storage_schemas.errors import BadInputError

_SCRIPT = """\
#!/usr/bin/env bash

#SBATCH -J dask-worker
#SBATCH -p batch
#SBATCH -A faces
#SBATCH -n 1
#SBATCH --cpus-per-task=8
#SBATCH --mem=30G
#SBATCH -t 02:00:00
#SBATCH --constraint=avx2
source venv/bin/activate
venv/bin/python -m distributed.cli.dask_worker SCHEDULER --name dummy-name --nthreads 1 --memory-limit 3.73GiB \\
--nworkers 8 --nanny --death-timeout 60
"""


def script(settings: SlurmSettings) -> str:
    """Return the job script, without submitting anything, its scheduler's address left out."""
    from dask_jobqueue import SLURMCluster  # noqa: PLC0415 - an extra

    submitted: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SLURMCluster, "scale", lambda _, jobs: submitted.append(jobs))
        patch.setattr("infra.job_clusters.require_accepted", lambda _: None)
        patch.setattr("infra.job_clusters.await_first_worker", lambda _: None)
        with slurm_cluster(settings) as cluster:
            text: str = cluster.job_script().replace(cluster.scheduler_address, "SCHEDULER").replace(" --nworkers", " \\\n--nworkers")
    assert submitted[0] == settings.jobs  # the other one is the end of the cluster
    return text


def test_the_job_script_is_the_expected_one() -> None:
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue, the extra `cluster`, is not installed")
    settings = SlurmSettings(
        jobs=3, queue="batch", account="faces", cores=8, memory="32GB", walltime="02:00:00", python="venv/bin/python",
        directives=["--constraint=avx2"], prologue=["source venv/bin/activate"],
    )  # fmt: skip

    assert script(settings) == _SCRIPT


def test_a_job_with_gpus_has_a_dask_worker_for_each() -> None:
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue, the extra `cluster`, is not installed")

    text = script(SlurmSettings(cores=16, gpus=2))

    assert "#SBATCH --gres=gpu:2" in text
    assert "#SBATCH --cpus-per-task=16" in text
    assert "--nworkers 2" in text
    assert "--resources GPU=1" in text


def test_pods_are_what_the_operator_expects() -> None:
    settings = KubernetesSettings(image="registry.example/flowvqtalker:0.1.0", pods=4, cpu=2, environment={"A": "b"}, secrets=["s3"])

    found = kubernetes_resource(settings)

    worker = found["spec"]["worker"]["spec"]["containers"][0]
    assert found["spec"]["worker"]["replicas"] == 4
    assert worker["args"] == ["dask", "worker", "--name", "$(DASK_WORKER_NAME)", "--nworkers", "2", "--nthreads", "1"]
    assert worker["env"] == [{"name": "A", "value": "b"}]
    assert worker["envFrom"] == [{"secretRef": {"name": "s3"}}]
    assert worker["resources"]["limits"] == {"cpu": "2", "memory": "32Gi"}
    service = found["spec"]["scheduler"]["service"]
    assert {port["name"]: port["port"] for port in service["ports"]} == {"tcp-comm": 8786, "http-dashboard": 8787}


def test_pods_with_gpus_ask_for_them() -> None:
    worker = kubernetes_resource(KubernetesSettings(image="x", gpus=1))["spec"]["worker"]["spec"]["containers"][0]

    assert worker["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert worker["args"][-2:] == ["--resources", "GPU=1"]


@pytest.mark.parametrize(
    ("scheduler", "expected"), [("tcp://a:1", False), ("", False), ("slurm:a.yaml", True), ("kubernetes:a.yaml", True)]
)
def test_files_and_addresses_are_told_apart(scheduler: str, expected: bool) -> None:
    assert is_job_cluster(scheduler) is expected


def test_problems_of_a_file_are_named(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text("cores: 0\nwalltime: soon\nsurprise: 1\n")

    with pytest.raises(BadInputError, match=r"3 problem.*cores.*walltime.*surprise"):
        read_settings(path, SlurmSettings)
    with pytest.raises(BadInputError, match="cannot read the cluster"), dask_scheduler(f"slurm:{tmp_path / 'none.yaml'}"):
        pass
