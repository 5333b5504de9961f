from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.command_line import app
from storage_schemas.errors import BadInputError
from tests.factories.talking_videos import GREEN, RED, write_coloured


def run(*words: object) -> dict[str, list[dict[str, object]]]:
    """Return what a command prints with --json; what it raises is raised."""
    result = CliRunner().invoke(app, ["evaluate", "side-by-side", *[str(word) for word in words], "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    found: dict[str, list[dict[str, object]]] = json.loads(result.stdout)
    return found


def test_videos_and_folders(tmp_path: Path) -> None:
    for name, colour in (("real", RED), ("ours", GREEN)):
        for clip in ("a", "b/c"):
            write_coloured(tmp_path / name / f"{clip}.mp4", colour, frames=4)
    write_coloured(tmp_path / "ours" / "alone.mp4", GREEN)

    one = run(f"ground truth={tmp_path / 'real' / 'a.mp4'}", tmp_path / "ours" / "b" / "c.mp4", "--out", tmp_path / "one.mp4")
    many = run(tmp_path / "real", tmp_path / "ours", "--out", tmp_path / "many", "--height", 64)

    assert one["videos"] == [{"file": str(tmp_path / "one.mp4"), "frames": 4, "columns": 2, "rows": 1, "notes": []}]
    assert [video["file"] for video in many["videos"]] == [str(tmp_path / "many" / name) for name in ("a.mp4", "b/c.mp4")]
    assert (tmp_path / "many" / "b" / "c.mp4").is_file()
    with pytest.raises(BadInputError, match="videos or folders"):
        run(tmp_path / "real", tmp_path / "one.mp4", "--out", tmp_path / "x.mp4")
