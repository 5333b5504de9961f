"""What is under version control, and that each test file stands where its source does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.factories.repository import PACKAGES, ROOT, document, tracked_files

_MACHINE_PATH = re.compile(rb"(?<![\w.:/~-])/(?:home|root|Users|work|mnt|srv|opt|tmp|workspace)/[\w.-]+")
_MEDIA = {
    ".mp4",
    ".mov",
    ".mkv",
    ".mpg",
    ".avi",
    ".webm",
    ".wav",
    ".m4a",
    ".mp3",
    ".npy",
    ".npz",
    ".mat",
    ".tar",
    ".parquet",
    ".task",
    ".pt",
}
_LARGEST_BYTES = 500_000


def test_no_tracked_file_names_a_place_on_somebodys_machine() -> None:
    # Tests may make up paths of this kind, but not ours.
    ours = re.compile(
        b"|".join(re.escape(str(path).encode()) for path in {ROOT, ROOT.parent, Path.home()} if len(path.parts) > 2) or b"(?!)"
    )

    found = [
        f"{path.relative_to(ROOT)}: {match.group().decode()}"
        for path in tracked_files()
        for match in (ours if path.is_relative_to(ROOT / "tests") else _MACHINE_PATH).finditer(path.read_bytes())
    ]

    assert found == []


def test_neither_media_nor_large_files_are_tracked() -> None:
    found = [path.relative_to(ROOT).as_posix() for path in tracked_files() if path.suffix in _MEDIA or path.stat().st_size > _LARGEST_BYTES]

    assert found == []


def test_tests_mirror_the_sources() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked_files()]
    tests = [name for name in names if re.search(r"^tests/.*/test_\w+\.py$", name) and not name.startswith("tests/architecture/")]
    without_namesake = [name for name in tests if not (ROOT / re.sub(r"^tests/(.*)/test_(\w+\.py)$", r"\1/\2", name)).is_file()]
    # A test of several modules together stands in their folder, and says what it is about.
    strays = [
        name
        for name in without_namesake
        if not (ROOT / Path(name).relative_to("tests").parent).is_dir() or not ast.get_docstring(ast.parse(document(name)))
    ]

    assert strays == []


def test_every_package_is_typed_code_below_one_of_the_five() -> None:
    tops = {path.relative_to(ROOT).parts[0] for path in tracked_files() if path.suffix == ".py"}

    assert tops <= {*PACKAGES, "tests"}


@pytest.mark.parametrize("target", ["lint", "test", "demo"])
def test_continuous_integration_calls_the_targets_people_use(target: str) -> None:
    assert f"\nmake {target}\n" in document(".ci/run")
    assert re.search(rf"^{target}: setup", document("Makefile"), re.MULTILINE)


def test_continuous_integration_is_executable_and_stops_at_the_first_failure() -> None:
    assert (ROOT / ".ci/run").stat().st_mode & 0o100
    assert "set -euo pipefail" in document(".ci/run")
