"""Builds whose Dask workers are jobs of a real SLURM, where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.factories.build_processes import CommandLine, build_arguments
from tests.factories.slurm import slurm

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue, the extra `cluster`, is not installed")
    with slurm() as found:
        yield found


@pytest.fixture
def on_slurm(environment: dict[str, str], tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path / "home", environment)


@pytest.fixture
def cluster(tmp_path: Path) -> Callable[..., str]:
    """Writes the file of a cluster and returns what stands for the scheduler."""

    def written(**changes: object) -> str:
        path = tmp_path / "cluster.yaml"
        values = {"jobs": 2, "cores": 1, "memory": "1900MB", "interface": "lo", "python": sys.executable, "walltime": "00:30:00"}
        path.write_text(yaml.safe_dump({**values, "directives": [f"--output={tmp_path}/job-%j.out"], **changes}))
        return f"slurm:{path}"

    return written


def test_the_version_is_that_of_this_machine_alone_though_all_jobs_are_ended_once(
    on_slurm: CommandLine, cluster: Callable[..., str], spec_file: Path, demo_corpus: Path, tmp_path: Path
) -> None:
    expected = CommandLine(tmp_path / "other-home").build(spec_file, demo_corpus, tmp_path / "expected")["dataset_version"]
    arguments = (*build_arguments(spec_file, demo_corpus, tmp_path / "store"), "--scheduler", cluster())

    build = on_slurm.start(*arguments)
    _wait_for_a_part(tmp_path / "store", build)
    subprocess.run(["scancel", "--me"], env={**os.environ, **on_slurm.environment}, check=True)  # noqa: S607 - wherever SLURM is
    output, errors = build.communicate(timeout=400)

    assert build.returncode == 0, errors
    assert f'"dataset_version": "{expected}"' in output
    assert "submitted anew" in errors
    assert on_slurm.orphans() == []


@pytest.mark.parametrize(
    ("changes", "exit_code", "message"),
    [
        ({"queue": "nowhere"}, 2, "SLURM would not take the jobs"),
        ({"python": "/nowhere/python"}, 1, "ended before a Dask worker was heard of"),
    ],
)
def test_jobs_that_cannot_work_end_the_build(
    changes: dict[str, object], exit_code: int, message: str, on_slurm: CommandLine, cluster: Callable[..., str], spec_file: Path,
    demo_corpus: Path, tmp_path: Path,
) -> None:  # fmt: skip
    done = on_slurm.run(*build_arguments(spec_file, demo_corpus, tmp_path / "store"), "--scheduler", cluster(**changes))

    assert done.returncode == exit_code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def _wait_for_a_part(store: Path, build: subprocess.Popen[str]) -> None:
    """Wait until the jobs have made something."""
    deadline = time.monotonic() + 120
    while not list((store / "parts").glob("*/*/*")):
        assert build.poll() is None, build.communicate()[1]
        assert time.monotonic() < deadline, "no part was made"
        time.sleep(0.05)
