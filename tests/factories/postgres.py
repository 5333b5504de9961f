"""A Postgres server of Debian's package for one test."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.server_process import free_port

_USER = "postgres"


def _program(name: str) -> str:
    found = shutil.which(name) or next((str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), "")
    if not found:
        pytest.skip(f"Postgres is not here: no program {name} (Debian's package postgresql)")
    return found


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield the address of a new server on this machine, as Prefect takes it; skips where there is no Postgres.

    Its files are not among those of pytest, which closes its folders to other users whenever a run begins.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        yield from _served(Path(folder))


def _served(folder: Path) -> Iterator[str]:
    initdb, pg_ctl, port = _program("initdb"), _program("pg_ctl"), free_port()
    user = _owner(folder)
    data = folder / "data"
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    _run([initdb, "-D", str(data), "-U", _USER, "--auth=trust", "--encoding=UTF8"], folder, user)
    _run([pg_ctl, "-D", str(data), "-l", str(folder / "log"), "-w", "-o", options, "start"], folder, user)
    try:
        yield f"postgresql+asyncpg://{_USER}@127.0.0.1:{port}/postgres"
    finally:
        _run([pg_ctl, "-D", str(data), "-m", "immediate", "-w", "stop"], folder, user)


def _owner(folder: Path) -> str | None:
    """Give the folder to the user postgres if this is root, as whom Postgres refuses to run."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_USER)
    except KeyError:
        pytest.skip("Postgres does not run as root, and there is no user postgres")
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return _USER


def _run(command: list[str], folder: Path, user: str | None) -> None:
    with Path(os.devnull).open("w") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder, user=user, timeout=120)
