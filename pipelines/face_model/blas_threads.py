"""One thread for linear algebra, whatever the environment says.

The matrices of learning and fitting are small: a second BLAS thread makes fitting three times slower, and where sums are split by the
number of threads the last bits depend on it. The limit is of the whole process while it holds, so run one fit at a time in a process.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np  # noqa: F401 - its BLAS has to be loaded before it is looked for
import scipy.linalg  # noqa: F401 - it has a BLAS of its own
from threadpoolctl import ThreadpoolController


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run the body with one BLAS thread; a decorator as well. Costs some microseconds after the first time."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@functools.lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    # Looking for the libraries takes milliseconds, hence once.
    return ThreadpoolController()
