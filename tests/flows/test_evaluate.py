"""The command in processes of its own: the flow, the leaderboard, the same bytes twice, and codes of exit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.factories.build_processes import CommandLine
from tests.factories.face_videos import face_pictures, write_face_video


@pytest.mark.slow
def test_the_same_command_writes_the_same_report_and_leaderboard(tmp_path: Path, command_line: CommandLine) -> None:
    true, made, store = tmp_path / "true", tmp_path / "made", tmp_path / "store"
    for name, shift in (("one", 0), ("two", 6)):
        write_face_video(true / f"{name}.mp4", face_pictures(shift_px=shift))
        write_face_video(made / f"{name}.mp4", face_pictures(shift_px=shift + 1))
    (made / "broken.mp4").write_bytes(b"no video")
    (true / "broken.mp4").write_bytes((true / "one.mp4").read_bytes())
    arguments = ("evaluate", made, "--reference", true, "--store", store, "--method", "A method", "--device", "cpu", "--json")

    first = command_line.run(*arguments)
    assert first.returncode == 0, first.stderr
    report = json.loads(first.stdout)
    folder = Path(report["leaderboard"])
    before = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = command_line.run(*arguments)

    assert (report["pairs"], report["pairs_expected"]) == (2, 3)
    assert again.stdout == first.stdout
    assert {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert {"leaderboard.parquet", "leaderboard.md", "leaderboard.tex", "leaderboard.html"} <= set(before)
    assert command_line.orphans() == []
    wrong = command_line.run("evaluate", made, "--reference", tmp_path / "nowhere", "--store", store)
    assert wrong.returncode == 2
    assert "nowhere" in wrong.stderr
