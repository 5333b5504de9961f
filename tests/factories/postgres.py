"""A Postgres server of Debian's package for one test."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
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
def postgres_server(folder: Path) -> Iterator[str]:
    """Yield the address of a new server on this machine, as Prefect takes it; skips where there is no Postgres.

    Args:
        folder: empty; all its parents must be open to the user postgres where the tests run as root.
    """
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
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_USER)
    except KeyError:
        pytest.skip("Postgres does not run as root, and there is no user postgres")
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    for parent in folder.parents:
        if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    return _USER


def _run(command: list[str], folder: Path, user: str | None) -> None:
    with (folder.parent / "postgres-commands.log").open("a") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder, user=user, timeout=120)
