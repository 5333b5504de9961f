"""The commands in processes of their own: a list, again, repaired; one clip; and onto S3."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from tests.factories.build_processes import CommandLine
from tests.factories.render_stores import EMOTION, RenderStore, rows_of
from tests.factories.stores import fake_credentials, new_bucket, s3_environment, s3_server


@pytest.mark.slow
def test_failed_rows_are_rendered_when_the_list_is_repaired(render_runs: RenderStore, tmp_path: Path, command_line: CommandLine) -> None:
    rows = rows_of(4)
    broken = [*rows[:3], {**rows[3], "portrait": "none.png"}]
    out = tmp_path / "out"

    done = command_line.run("render", render_runs.write_list("repaired.csv", broken), "--models", render_runs.uri, "--out", out, "--json")

    assert done.returncode == 1, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["rows_done"], summary["rows_failed"], summary["failures"]) == (3, 1, {"bad_portrait": 1})
    assert (out / "index.html").exists()
    done = command_line.run("render", render_runs.write_list("repaired.csv", rows), "--models", render_runs.uri, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "1 rows done, 3 were there, 0 failed" in done.stderr
    assert command_line.orphans() == []


def test_one_clip_is_made_without_a_list(render_runs: RenderStore, tmp_path: Path, command_line: CommandLine) -> None:
    files = render_runs.folder
    common = ("--models", render_runs.uri, "--emotion", EMOTION, "--audio", files / "short.wav")

    done = command_line.run("talk", "--portrait", files / "one.png", *common, "--out", tmp_path / "a" / "clip.mp4", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 10
    with av.open(str(tmp_path / "a" / "clip.mp4")) as container:
        assert container.streams.video[0].frames == 10
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["clip.mp4"]
    done = command_line.run("talk", "--portrait", files / "none.png", *common, "--out", tmp_path / "clip.mp4")
    assert done.returncode == 2
    assert "expected a face, found none" in done.stderr
    assert not (tmp_path / "clip.mp4").exists()


@pytest.mark.slow
def test_clips_go_to_s3(render_runs: RenderStore, tmp_path: Path) -> None:
    with fake_credentials(), s3_server() as address:
        bucket = new_bucket(address)
        command_line = CommandLine(tmp_path / "home", s3_environment(address, tmp_path))
        arguments = (
            "render",
            render_runs.write_list("s3.csv", rows_of(2)),
            "--models",
            render_runs.uri,
            "--out",
            f"s3://{bucket}/clips",
            "--json",
        )
        first = command_line.run(*arguments)
        again = command_line.run(*arguments)
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert json.loads(first.stdout)["rows_done"] == 2
    assert json.loads(again.stdout)["rows_skipped"] == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--models", "nothing/here"), "no run that rendering takes"),
        (("--models", "vqig/ffff"), "0 finished runs"),
        (("--models", "."), "found neither"),
    ],
)
def test_wrong_models_are_bad_input(
    render_runs: RenderStore, tmp_path: Path, command_line: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    scripts = render_runs.write_list("wrong.csv", rows_of(1))
    store = () if arguments[1] == "." else ("--store", render_runs.uri)

    done = command_line.run("render", scripts, *arguments, *store, "--out", tmp_path / "out")

    assert done.returncode == 2, done.stderr
    assert message in done.stderr
