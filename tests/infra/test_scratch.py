from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.scratch import ScratchArea

ROOT = Path(__file__).parents[2]
CHILD = """
import sys, time
from pathlib import Path
from infra.scratch import ScratchArea
area = ScratchArea(Path(sys.argv[1]))
(area.new_folder() / "data").write_bytes(b"x" * 1000)
print(area.folder(), flush=True)
if sys.argv[2] == "wait":
    time.sleep(60)
"""


def _child(root: Path, what: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(root), what], stdout=subprocess.PIPE, text=True, cwd=ROOT)


def _folder_of(child: subprocess.Popen[str]) -> Path:
    assert child.stdout is not None
    return Path(child.stdout.readline().strip())


def test_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    area = ScratchArea(tmp_path / "scratch")
    assert area.remove_stale() == 0
    area.close()
    assert not (tmp_path / "scratch").exists()


def test_folders_are_below_one_of_this_process(tmp_path: Path) -> None:
    area = ScratchArea(tmp_path)
    first, second = area.new_folder(), area.new_folder()
    assert first != second
    assert first.parent == second.parent == area.folder()
    assert area.folder().name.startswith(f"{os.getpid()}-")
    area.close()
    assert list(tmp_path.iterdir()) == []


def test_a_process_cleans_up_at_its_end(tmp_path: Path) -> None:
    with _child(tmp_path, "end") as child:
        folder = _folder_of(child)
        assert child.wait(30) == 0
    assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_only_folders_of_dead_processes_are_stale(tmp_path: Path) -> None:
    area = ScratchArea(tmp_path)
    own = area.new_folder()
    with _child(tmp_path, "wait") as living, _child(tmp_path, "wait") as killed:
        living_folder, killed_folder = _folder_of(living), _folder_of(killed)
        killed.send_signal(signal.SIGKILL)
        killed.wait(30)
        assert killed_folder.exists()
        assert area.remove_stale() == 1
        assert not killed_folder.exists()
        assert living_folder.exists()
        assert own.exists()
        living.kill()
    area.close()
    assert ScratchArea(tmp_path).remove_stale() == 1
    assert list(tmp_path.iterdir()) == []


def test_two_areas_of_one_process_do_not_take_each_other_for_stale(tmp_path: Path) -> None:
    first, second = ScratchArea(tmp_path), ScratchArea(tmp_path)
    kept = first.new_folder()
    assert second.remove_stale() == 0
    assert kept.exists()
    first.close()
    second.close()


def test_what_is_not_ours_is_left(tmp_path: Path) -> None:
    (tmp_path / "my notes").mkdir()
    (tmp_path / "123.lock").write_bytes(b"")
    (tmp_path / "77-0123456789ab").mkdir()  # a folder whose lock is gone
    assert ScratchArea(tmp_path).remove_stale() == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["123.lock", "my notes"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_leaves_its_parents_folder_alone(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from infra.scratch import ScratchArea
area = ScratchArea(Path(sys.argv[1]))
kept = area.new_folder()
child = os.fork()
if child == 0:
    assert area.folder() != kept.parent
    sys.exit()
os.waitpid(child, 0)
assert kept.exists()
"""
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, cwd=ROOT)
    assert list(tmp_path.iterdir()) == []
