"""Ending with one's parent: a process whose standard input is a pipe that the parent holds ends when the pipe does."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

import psutil

_TIME_TO_STOP_S = 20.0


def end_with_parent(*, stop_children: bool = False) -> None:
    """Watch standard input in a thread; when it ends the process does, at once.

    Args:
        stop_children: stop what this process has started first, see `stop_children_of`.
    """
    threading.Thread(target=_watch, args=(stop_children,), name="parent-watch", daemon=True).start()


def stop_children_of(process: psutil.Process, time_to_stop_s: float = _TIME_TO_STOP_S) -> None:
    """Ask the children of a process to stop, and kill what is left of them and of theirs.

    Only the children themselves are asked: a build whose helpers end before it does would take them for crashed ones.

    Args:
        process: it stays.
        time_to_stop_s: between asking (SIGTERM) and killing (SIGKILL); a training writes its checkpoint in this time.
    """
    with suppress(psutil.NoSuchProcess):
        children, all_below = process.children(), process.children(recursive=True)
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.terminate()
        _, left = psutil.wait_procs(all_below, timeout=time_to_stop_s)
        for one in [*left, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(left, timeout=5)


def _watch(stop_children: bool) -> None:
    while os.read(sys.stdin.fileno(), 4096):  # not by `sys.stdin`, whose lock an interpreter that ends wants
        pass
    if stop_children:
        stop_children_of(psutil.Process())
    os._exit(0)
