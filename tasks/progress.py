"""Progress of a run, told to whoever listens: the terminal's bar and Prefect's progress artifact."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact

Listener = Callable[[int, int, str], None]

_LOGGER = logging.getLogger(__name__)
_LISTENERS: list[Listener] = []
_ARTIFACT_STEP_PERCENT = 5.0  # every update is an API call


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Call `listener(done, total, note)` at every step while the context lasts; None: nobody."""
    if listener is None:
        yield
        return
    _LISTENERS.append(listener)
    try:
        yield
    finally:
        _LISTENERS.remove(listener)


class RunProgress:
    """Counts finished items of a run and tells the listeners and a Prefect progress artifact.

    Args:
        key: artifact key, lower-case letters, digits and dashes.
        total: number of items.
        description: shown with the artifact.
    """

    def __init__(self, key: str, total: int, description: str) -> None:
        self._total = total
        self._done = 0
        self._shown_percent = 0.0
        self._artifact_id = create_progress_artifact(0.0, key=key, description=description)

    def advance(self, count: int = 1, note: str = "") -> None:
        """Say that `count` more items are finished."""
        self.reach(self._done + count, self._total, note)

    def tell(self, note: str) -> None:
        """Say something new of a run that is as far as it was."""
        for listener in _LISTENERS:
            listener(self._done, self._total, note)

    def reach(self, done: int, total: int, note: str = "") -> None:
        """Say that `done` items of `total` are finished."""
        self._done, self._total = done, total
        for listener in _LISTENERS:
            listener(self._done, self._total, note)
        percent = 100.0 * self._done / max(1, self._total)
        if percent - self._shown_percent >= _ARTIFACT_STEP_PERCENT or self._done == self._total:
            self._shown_percent = percent
            try:
                update_progress_artifact(self._artifact_id, progress=percent)  # type: ignore[arg-type]
            except httpx.HTTPError as error:  # hours of work do not end because a server is being restarted
                _LOGGER.warning("the server does not take the progress of %.0f %%: %s", percent, error)
