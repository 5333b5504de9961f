"""The checkout under test: its sources as parsed modules, its tracked files, its project file."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("flows", "tasks", "pipelines", "infra", "storage_schemas")


@dataclass(frozen=True)
class Module:
    """One source file, parsed."""

    path: str
    text: str
    tree: ast.Module


@cache
def source_modules() -> tuple[Module, ...]:
    """Return every Python file of the five packages, sorted by path."""
    paths = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    texts = [(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths]
    return tuple(Module(path, text, ast.parse(text)) for path, text in texts)


def tracked_files() -> list[Path]:
    """Return the files under version control; skips the test where there is no repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)  # noqa: S607
    if listed.returncode:
        pytest.skip(f"not a git checkout: {listed.stderr.decode().strip()}")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


@cache
def project_file() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def document(name: str) -> str:
    """Return the text of a file given relative to the checkout."""
    return (ROOT / name).read_text(encoding="utf-8")
