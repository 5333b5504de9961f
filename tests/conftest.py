"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real clips, portraits and speech that lies beside a developer's checkout; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real clips are not here: {SHARED_DATA} does not exist")
    return SHARED_DATA
