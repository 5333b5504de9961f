from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories.talking_videos import BLUE, GREEN, RED, write_coloured


@pytest.fixture(scope="session")
def method_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Videos of two methods and the true ones: clips a, b and c/d, and one that only the first method has."""
    folder = tmp_path_factory.mktemp("methods")
    for method, colour in (("ours", RED), ("other", GREEN), ("ground truth", BLUE)):
        for clip in ("a", "b", "c/d"):
            write_coloured(folder / method / f"{clip}.mp4", colour, hz=None if method == "other" else 440.0)
    write_coloured(folder / "ours" / "alone.mp4", RED)
    return {method: folder / method for method in ("ours", "other", "ground truth")}
