"""The folder of `flowvqtalker up`: a lock that one process holds at a time, and what that process has started."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from storage_schemas.errors import BadInputError

_STATE_FILE, _LOCK_FILE = "state.json", "lock"


class ServicesState(BaseModel):
    """What is up on this machine."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int = Field(description="Process of `flowvqtalker up`")
    page: str = Field(description="Address of the page")
    api_url: str = Field(description="Address of the Prefect API")
    store: str = Field(description="Store that forms start with")
    deployments: list[str] = Field(description="Deployments that were applied, with notes")
    work_pools: list[str] = Field(description="Work pools, each with a worker")
    processes: dict[str, int] = Field(description="Process ids by name")
    restarts: dict[str, int] = Field(default_factory=dict, description="How often a process had to be started again, where it had")


def services_folder(home: Path) -> Path:
    """Return the folder of the services below the installation's own."""
    return home / "up"


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the lock of the folder, which is made if it is not there; the state goes when the context ends.

    Raises:
        BadInputError: another process holds it; the message says where it is up.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK_FILE).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            state = read_state(folder)
            where = f"its page is {state.page} (process {state.pid})" if state else "it is starting or stopping"
            raise BadInputError(f"it is up already: {where}; `flowvqtalker status` says more, Ctrl-C there ends it") from error
        try:
            yield
        finally:
            (folder / _STATE_FILE).unlink(missing_ok=True)


def is_held(folder: Path) -> bool:
    """Say whether a process holds the lock."""
    try:
        with (folder / _LOCK_FILE).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def write_state(folder: Path, state: ServicesState) -> None:
    """Say what is up."""
    part = folder / f".{_STATE_FILE}.part"
    part.write_text(state.model_dump_json(indent=2), encoding="utf-8")
    part.replace(folder / _STATE_FILE)


def read_state(folder: Path) -> ServicesState | None:
    """Return what is up; None: nothing, or its state cannot be read."""
    try:
        return ServicesState.model_validate_json((folder / _STATE_FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
