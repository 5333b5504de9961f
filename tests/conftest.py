"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.factories.render_stores import RenderStore

# Several test processes share the processors, and the networks of tests are too small for several threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real clips, portraits and speech that lies beside a developer's checkout; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real clips are not here: {SHARED_DATA} does not exist")
    return SHARED_DATA


@pytest.fixture(scope="session")
def render_runs(tmp_path_factory: pytest.TempPathFactory) -> RenderStore:
    """A store with small runs of all that rendering needs, and files to render."""
    from tests.factories.render_stores import render_store  # noqa: PLC0415 - torch takes seconds to import

    return render_store(tmp_path_factory.mktemp("render"))
