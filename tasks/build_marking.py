"""Marking a store while a build runs on it, so that garbage collection leaves the build's parts alone."""

from __future__ import annotations

import contextlib
import logging
import platform
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from infra.store_format import mark_store_format
from pipelines.dataset.running_builds import BEAT_S, mark_path, write_mark
from storage_schemas.errors import StoreError
from storage_schemas.running_build import RunningBuild

_LOGGER = logging.getLogger(__name__)


@contextmanager
def marked_as_running(store_uri: str, name: str, beat_s: float = BEAT_S) -> Iterator[None]:
    """Keep a mark in a store while the context lasts.

    Args:
        store_uri: the store; found out to be unusable here, before anything else is done.
        name: of the dataset.
        beat_s: how often the mark is renewed.

    Raises:
        StoreError: the store cannot be written.
    """
    build = RunningBuild(name=name, host=platform.node(), started=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    token, ended = secrets.token_hex(8), threading.Event()
    with open_store(store_uri, Settings()) as store:
        store.check_writable()
        mark_store_format(store)
        write_mark(store, token, build)
        thread = threading.Thread(target=_renew, args=(store, token, build, beat_s, ended), name="build-mark", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            with contextlib.suppress(StoreError):  # what has broken the store is being reported; the mark will grow old
                store.delete(mark_path(token))


def _renew(store: ManagedStore, token: str, build: RunningBuild, beat_s: float, ended: threading.Event) -> None:
    while not ended.wait(beat_s):
        try:
            write_mark(store, token, build)
        except StoreError as error:  # the build itself will find out whether it lasts
            _LOGGER.info("the mark of this build is not renewed: %s", error)
