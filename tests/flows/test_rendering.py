from __future__ import annotations

import subprocess
import sys

from flows.rendering import imported_meanwhile

LOADS = """
import sys
from flows.rendering import _WORK, imported_meanwhile
with imported_meanwhile(_WORK):
    pass
assert _WORK in sys.modules
print([name for name in ("prefect", "distributed") if name in sys.modules])
"""


def test_what_is_imported_while_a_server_starts_is_neither_prefect_nor_dask() -> None:
    done = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_a_module_that_cannot_be_imported_is_left_to_whoever_uses_it() -> None:
    with imported_meanwhile("tasks.no_such_module"):
        entered = True

    assert entered
