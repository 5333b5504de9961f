"""Keeps what native libraries write past Python from the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def native_logs_hidden() -> Iterator[None]:
    """Send what native libraries write to stderr, past Python, to nowhere; what Python writes there meanwhile goes with it."""
    sys.stderr.flush()
    kept, hidden = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(hidden, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(hidden)
