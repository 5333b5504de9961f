"""The import arrow flows -> tasks -> (pipelines | infra) -> storage_schemas, indirect imports included."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories.repository import PACKAGES, ROOT

_LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_logo=True, cache_dir=None))"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", _LINT], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copied_sources(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_sources_keep_the_arrow() -> None:
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("files", "broken"),
    [
        ({"pipelines/first.py": "import infra.settings"}, "flows -> tasks -> (pipelines | infra) -> storage_schemas BROKEN"),
        ({"infra/first.py": "import pipelines.media_time"}, "flows -> tasks -> (pipelines | infra) -> storage_schemas BROKEN"),
        (
            {"pipelines/first.py": "import storage_schemas.second", "storage_schemas/second.py": "def f():\n    import s3fs"},
            "pure code knows no orchestrator BROKEN",
        ),
        ({"storage_schemas/first.py": "import torch"}, "schemas need no torch BROKEN"),
    ],
    ids=["pipelines-infra", "infra-pipelines", "indirect-and-local", "torch"],
)
def test_a_break_is_found(copied_sources: Path, files: dict[str, str], broken: str) -> None:
    for name, text in files.items():
        (copied_sources / name).write_text(f'"""A break."""\n{text}\n')

    result = lint_imports(copied_sources)

    assert result.returncode == 1
    assert broken in result.stdout
