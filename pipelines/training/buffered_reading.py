"""Reading the buffers of a plan: one is used while a thread reads the next."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from pipelines.training.window_plan import Buffer, IntArray, WindowPlan

LoadedT = TypeVar("LoadedT")


class BufferedReading(Generic[LoadedT]):
    """The buffers of a plan in memory.

    Args:
        plan: which rows are in memory when.
        read: reads some rows of the plan's table.
    """

    def __init__(self, plan: WindowPlan, read: Callable[[IntArray], LoadedT]) -> None:
        self._plan, self._read = plan, read
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._current: tuple[bytes, LoadedT] | None = None
        self._next: tuple[bytes, Future[LoadedT]] | None = None

    def loaded(self, buffer: Buffer) -> LoadedT:
        """Return the rows of a buffer, and have the next read."""
        key = buffer.rows.tobytes()
        if self._current is None or self._current[0] != key:
            self._current = None  # let go of one before there are three
            waiting = self._next if self._next and self._next[0] == key else None
            self._current = (key, waiting[1].result() if waiting else self._read(buffer.rows))
            following = self._plan.following(buffer)
            self._next = None if following is None else (following.rows.tobytes(), self._pool.submit(self._read, following.rows))
        return self._current[1]

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)
