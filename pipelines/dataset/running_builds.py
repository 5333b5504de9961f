"""Marks of running builds: parts that such a build has made, or found and means to use, are named by no version yet.

A build marks the store before it looks which parts are there, and takes the mark away after its version is published. A build that was
killed leaves its mark, which then grows old.
"""

from __future__ import annotations

import logging

from storage_schemas.identifiers import canonical_json_bytes
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.running_build import RUNNING_BUILDS_FOLDER, RunningBuild

_LOG = logging.getLogger(__name__)
BEAT_S = 60.0
"""How often a build renews its mark."""
LEAST_GRACE_S = 10 * BEAT_S
"""A mark younger than this is never taken for that of a dead build."""


def mark_path(token: str) -> str:
    """Return the path of a mark; `token` is random, one for each build."""
    return f"{RUNNING_BUILDS_FOLDER}/{token}.json"


def write_mark(store: ObjectStore, token: str, build: RunningBuild) -> None:
    """Write or renew a mark; StoreError if the store cannot be written."""
    store.write_bytes(mark_path(token), canonical_json_bytes(build.model_dump(mode="json")))


def marks_by_age(store: ObjectStore, now_s: float, grace_s: float) -> tuple[list[str], list[str]]:
    """Return the paths of the marks of running builds, and of those of builds that are gone.

    Args:
        store: where they are.
        now_s: the time in seconds since 1970.
        grace_s: a mark that was renewed less than this many seconds ago (at least LEAST_GRACE_S) is that of a running build.

    Raises:
        StoreError: the store cannot be read.
    """
    running: list[str] = []
    gone: list[str] = []
    for path, _ in store.list_objects(RUNNING_BUILDS_FOLDER):
        try:
            age_s = now_s - store.modified_s(path)
        except FileNotFoundError:  # that build has just ended
            continue
        (running if age_s < max(grace_s, LEAST_GRACE_S) else gone).append(path)
    return running, gone
