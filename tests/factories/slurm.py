"""A SLURM of one node, of Debian's packages, for one test: munged, slurmctld and slurmd in a folder of their own."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from infra.server_process import free_port

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")
_PACKAGES = "munge slurmctld slurmd slurm-client"
_STARTED_WITHIN_S = 60.0
_SETTINGS = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=faces Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def slurm() -> Iterator[dict[str, str]]:
    """Yield the environment in which SLURM's commands find the server; skips where it is not installed or this is not root.

    Its files are not among those of pytest: munged wants folders that nobody else may write to.
    """
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"SLURM is not here: no program {', '.join(missing)} (Debian's packages {_PACKAGES})")
    if os.geteuid() != 0:
        pytest.skip("slurmd starts jobs as root alone")
    with tempfile.TemporaryDirectory(prefix="slurm-", dir="/var/tmp", ignore_cleanup_errors=True) as name, ExitStack() as stack:
        folder, environment = Path(name), {"SLURM_CONF": f"{name}/slurm.conf"}
        _write_settings(folder)
        key, where = folder / "key", [f"--{kind}={folder}/{kind.split('-')[0]}" for kind in ("socket", "pid-file", "log-file", "seed-file")]
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        stack.enter_context(_running(["munged", "--force", "--foreground", f"--key-file={key}", *where], {}))
        _wait_for((folder / "socket").exists, "munged")
        stack.enter_context(_running(["slurmctld", "-D"], environment))
        stack.enter_context(_running(["slurmd", "-D"], environment))
        _wait_for(lambda: "idle" in _said("sinfo", environment), "slurmd")
        yield environment


def _write_settings(folder: Path) -> None:
    for name in ("state", "spool"):
        (folder / name).mkdir()
    host = socket.gethostname().split(".")[0]
    (folder / "slurm.conf").write_text(_SETTINGS.format(folder=folder, host=host, ports=(free_port(), free_port())))


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _said(command: str, environment: dict[str, str]) -> str:
    return subprocess.run([command], env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=60).stdout


def _wait_for(is_there: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _STARTED_WITHIN_S
    while not is_there():
        assert time.monotonic() < deadline, f"{what} has not come up"
        time.sleep(0.2)
