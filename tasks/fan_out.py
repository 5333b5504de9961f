"""Fanning work out on Dask: a bounded number of jobs under way, results as they come, new jobs while it runs."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Generic, TypeVar

from distributed import Client, Future, KilledWorker, as_completed
from distributed.client import ClosedClientError

from storage_schemas.errors import BuildFailedError

_LOGGER = logging.getLogger(__name__)

Tag = TypeVar("Tag")


class FanOut(Generic[Tag]):
    """Runs jobs on a Dask client and yields (tag, result) as they finish; jobs may be added while it runs.

    At most `window` jobs are with the scheduler at a time, so that a million of them cost no memory there. A job whose Dask workers
    are lost four times (Dask's KilledWorker) is run once more, alone in the sense that Dask places it anew, and then handed to
    `when_lost`. Any other exception of a job stops everything that has not begun and is raised.

    Args:
        client: where jobs run.
        window: jobs under way.
        when_lost: gives (function, arguments) to run instead of a job that was lost twice.
        resources: what a Dask worker must have to be given a job, e.g. a GPU; None: nothing.
    """

    def __init__(
        self,
        client: Client,
        window: int,
        when_lost: Callable[[Tag], tuple[Callable[..., Any], tuple[Any, ...]]],
        resources: dict[str, float] | None = None,
    ) -> None:
        self._resources = resources
        self._client = client
        self._window = window
        self._when_lost = when_lost
        self._waiting: deque[tuple[Tag, Callable[..., Any], tuple[Any, ...], int]] = deque()
        self._under_way: dict[Any, tuple[Tag, Callable[..., Any], tuple[Any, ...], int]] = {}
        self._completed = as_completed(loop=client.loop)

    def add(self, tag: Tag, function: Callable[..., Any], *arguments: Any, first: bool = False) -> None:  # noqa: ANN401
        """Add a job; `first`: before everything that waits."""
        job = (tag, function, arguments, 0)
        if first:
            self._waiting.appendleft(job)
        else:
            self._waiting.append(job)

    def run(self) -> Iterator[tuple[Tag, Any]]:
        """Yield (tag, result) until there is nothing left; add more in between as you like."""
        try:
            self._refill()
            while self._under_way:
                future = next(self._completed)
                finished = self._finish(future)
                if finished is not None:
                    yield finished
                self._refill()
        finally:
            with suppress(ClosedClientError):
                self._client.cancel([Future(key, self._client) for key in self._under_way])

    def _refill(self) -> None:
        while self._waiting and len(self._under_way) < self._window:
            job = self._waiting.popleft()
            future = self._client.submit(job[1], *job[2], pure=False, resources=self._resources)
            self._under_way[future.key] = job
            self._completed.add(future)

    def _finish(self, future: Future[Any]) -> tuple[Tag, Any] | None:
        if future.status in ("cancelled", "lost"):
            raise BuildFailedError(
                "the Dask scheduler is gone, or cannot be reached any more; what was finished is kept, so start the same again"
            )
        tag, function, arguments, lost = self._under_way.pop(future.key)
        error = future.exception() if future.status == "error" else None
        if error is None:
            return tag, future.result()
        if not isinstance(error, KilledWorker):
            raise error
        _LOGGER.warning("the Dask workers that ran %s were lost: %s", tag, error)
        if lost:
            function, arguments = self._when_lost(tag)
        self._waiting.appendleft((tag, function, arguments, lost + 1))
        if lost > 1:
            raise error
        return None
