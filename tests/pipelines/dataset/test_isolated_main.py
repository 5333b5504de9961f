from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

MODULE = "pipelines.dataset.isolated_main"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the child looks now and then")
def test_a_child_whose_parent_died_before_it_began_ends_before_its_imports() -> None:
    """The kernel tells of a parent's death only those who asked before it; a child starts later than that on a busy machine."""
    long_gone = 2**22 + 1  # above the largest process id
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", MODULE, str(long_gone)], stdin=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 1
    assert time.perf_counter() - started < 30


def test_a_child_ends_with_its_input() -> None:
    done = subprocess.run([sys.executable, "-m", MODULE, str(os.getpid())], input=b"", check=False, timeout=120, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")
