"""Handling one recording in a process of its own, so that a decoder that hangs, crashes or eats memory costs one recording.

The parent (`IsolatedProcess`) starts ``python -m pipelines.dataset.isolated_main`` once and sends it one JSON line per recording;
the child answers with one JSON line, after any number of lines that say how many seconds of media it has handled. The parent watches
clock and resident memory and kills the child when a limit is passed; the time allowed grows with the media handled, so a long
recording has the time it needs. One that hangs half-way is known by its silence, so it does not use up what it has earned.
"""

from __future__ import annotations

import json
import logging
import math
import os
import select
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.rejections import RejectionReason

_LOGGER = logging.getLogger(__name__)
_POLL_S = 0.05
_RECYCLE_AFTER = 500
"""Recordings after which a child is replaced, which bounds slow leaks of native decoders."""

# A child asks the kernel to die with the thread that started it, so all are started by one thread that lives as long as this process.
_STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="start-isolated")


@dataclass(frozen=True)
class Limits:
    """What one request may cost.

    Attributes:
        time_s: wall-clock seconds allowed from the start.
        memory_mb: resident memory of the child in 2**20 bytes.
        time_per_media_s: wall-clock seconds added for every second of media handled.
        silence_s: wall-clock seconds allowed between two signs of progress, once there has been one.
    """

    time_s: float
    memory_mb: int
    time_per_media_s: float = 0.0
    silence_s: float = math.inf


class LimitExceededError(Exception):
    """The child was killed, or died, while handling a request; `reason` is the rejection code for it."""

    def __init__(self, reason: RejectionReason, message: str, details: dict[str, float | int | str]) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.details = details


class IsolatedProcess:
    """A child process that handles one request at a time and is replaced when it misbehaves.

    Args:
        log_file: where the child's stderr goes; native libraries are noisy there.
        module: the module run by ``python -m``; it must speak the line protocol of `isolated_main`.
        processor: index of the one processor to run on, or None for any.
    """

    def __init__(self, log_file: Path, module: str = "pipelines.dataset.isolated_main", processor: int | None = None) -> None:
        self._log_file = log_file
        self._module = module
        self._processor = processor
        self._process: subprocess.Popen[bytes] | None = None
        self._handled = 0
        self.peak_rss_mb = 0.0

    def __enter__(self) -> IsolatedProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def start(self) -> None:
        """Start the child if it is not running; returns at once, the child's imports go on in the background."""
        if self._process is not None and self._process.poll() is None:
            return
        self._process = _STARTER.submit(self._spawn).result()
        self._handled = 0

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **_SINGLE_THREAD_ENVIRONMENT}
        with self._log_file.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - fixed argument list, no shell
                [sys.executable, "-m", self._module, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
            )
        if self._processor is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {self._processor})
        return process

    def run(self, request: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """Send one request and return the child's answer.

        Raises:
            LimitExceededError: the child passed a limit or died.
            StoreError: the child could not write where it was told to (full or read-only).
            BadInputError: the child found the request itself wrong, e.g. a landmark model file that is not there.
        """
        if self._handled >= _RECYCLE_AFTER:
            self.close()
        self.start()
        process = self._require_process()
        try:
            self._send(process, request)
            answer = self._wait(process, limits)
        except LimitExceededError:
            self._kill()
            raise
        self._handled += 1
        return _checked(answer)

    def close(self) -> None:
        """End the child; idempotent."""
        if self._process is not None:
            self._kill()

    def _require_process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the isolated process was not started")
        return self._process

    def _send(self, process: subprocess.Popen[bytes], request: dict[str, Any]) -> None:
        line = json.dumps(request).encode() + b"\n"
        try:
            assert process.stdin is not None  # noqa: S101 - we asked for a pipe
            process.stdin.write(line)
            process.stdin.flush()
        except (BrokenPipeError, OSError) as error:
            raise self._died(process) from error

    def _wait(self, process: subprocess.Popen[bytes], limits: Limits) -> dict[str, Any]:
        assert process.stdout is not None  # noqa: S101
        clock = _Clock(limits)
        watched = psutil.Process(process.pid)
        received = bytearray()
        while True:
            readable, _, _ = select.select([process.stdout], [], [], _POLL_S)
            if readable:
                chunk = os.read(process.stdout.fileno(), 1 << 16)
                if not chunk:
                    raise self._died(process)
                received += chunk
            while b"\n" in received:
                line, _, received = received.partition(b"\n")
                answer: dict[str, Any] = json.loads(line)
                if "media_s" not in answer:
                    return answer
                clock.progress(answer["media_s"])
            self._check_memory(watched, limits.memory_mb)
            clock.check()

    def _check_memory(self, watched: psutil.Process, memory_mb: int) -> None:
        try:
            rss_mb = watched.memory_info().rss / 2**20
        except psutil.NoSuchProcess:
            return  # the pipe will say so
        self.peak_rss_mb = max(self.peak_rss_mb, rss_mb)
        if rss_mb > memory_mb:
            message = f"handling it took more than the allowed {memory_mb} MB of memory"
            raise LimitExceededError(RejectionReason.MEMORY_LIMIT, message, {"limit_mb": memory_mb})

    def _died(self, process: subprocess.Popen[bytes]) -> LimitExceededError:
        status = process.wait()
        name = f" ({signal.Signals(-status).name})" if -status in set(signal.Signals) else ""
        message = f"the process that handled it died with status {status}{name}"
        return LimitExceededError(RejectionReason.CRASHED, message, {"status": status})

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    _LOGGER.debug("the child was gone before its input was flushed")


class _Clock:
    """Measures one request against its time limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._started = self._last_sign = time.perf_counter()
        self._allowed_s = limits.time_s
        self._media_s = -1.0

    def progress(self, media_s: float) -> None:
        """Note a sign of progress: `media_s` seconds of media are handled, possibly no more than at the sign before."""
        self._last_sign = time.perf_counter()
        self._media_s = max(self._media_s, media_s)
        self._allowed_s = self._limits.time_s + self._limits.time_per_media_s * self._media_s

    def check(self) -> None:
        """Raise LimitExceededError if the time is up, or the silence too long."""
        now = time.perf_counter()
        if now - self._started > self._allowed_s:
            message = f"handling it took longer than its allowance of {self._allowed_s:.0f} s"
            raise LimitExceededError(RejectionReason.TIME_LIMIT, message, {"limit_s": self._allowed_s})
        if self._media_s >= 0 and now - self._last_sign > self._limits.silence_s:
            message = f"handling it came to a halt for more than {self._limits.silence_s:.0f} s after {self._media_s:.0f} s of media"
            raise LimitExceededError(
                RejectionReason.TIME_LIMIT, message, {"limit_s": self._limits.silence_s, "media_s": round(self._media_s, 3)}
            )


# MediaPipe, OpenCV, BLAS and FFmpeg would each start a thread per core in every process. What Dask sets for its workers to give memory
# back at once (MALLOC_TRIM_THRESHOLD_) stays out: a fresh page for every frame costs a sixth of the speed.
_SINGLE_THREAD_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "DECORD_EOF_RETRY_MAX": "1024",
    "PYTHONUNBUFFERED": "1",
}


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer's result, or raise what the child could not."""
    if "result" in answer:
        result: dict[str, Any] = answer["result"]
        return result
    kind, message = answer.get("error", "unknown"), answer.get("message", "")
    if kind == "store":
        raise StoreError(message)
    if kind == "input":
        raise BadInputError(message)
    reason = RejectionReason.MEMORY_LIMIT if kind == "memory" else RejectionReason.CRASHED
    raise LimitExceededError(reason, message, {"error": kind})


def run_twice(process: IsolatedProcess, request: dict[str, Any], limits: Limits, name: str = "a request") -> dict[str, Any]:
    """Run a request, and once more in a fresh process if it hit a limit or crashed, so that one unlucky moment is no verdict.

    Args:
        process: where to run it.
        request: see `IsolatedProcess.run`.
        limits: of each of the two runs.
        name: how the log calls it, e.g. a recording id.

    Raises:
        LimitExceededError: both runs failed; the second run's error.
        StoreError, BadInputError: as `IsolatedProcess.run`.
    """
    try:
        return process.run(request, limits)
    except LimitExceededError as first:
        _LOGGER.warning("%s: %s; trying once more in a fresh process", name, first.message)
    process.close()
    return process.run(request, limits)
