from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.rendering.batch.run_tally import RunTally
from storage_schemas.render_results import SYNTHETIC_STATEMENT
from tests.factories.render_stores import EMOTION, RenderStore, rendered, requested, rows_of


def render(runs: RenderStore, rows: list[dict[str, object]], out: Path, **options: Any) -> RunTally:  # noqa: ANN401
    path = runs.write_list(f"{out.parent.name}-{out.name}.csv", rows)
    return rendered(requested(runs, path, str(out), **options), out.parent)


def results(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(out / "results.parquet").to_pylist()
    return found


def digests(out: Path) -> dict[str, str]:
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(out.rglob("*.mp4"))}


def test_a_list_is_rendered_once_and_what_is_missing_comes_out_the_same(render_runs: RenderStore, tmp_path: Path) -> None:
    rows = [*rows_of(5), *rows_of(1, takes=2, output="named/two.mp4"), *rows_of(1, portrait="none.png")]
    options: dict[str, Any] = {"group_clips": 4, "batch_frames": 6, "x264_preset": "ultrafast"}

    tally = render(render_runs, rows, tmp_path / "out", **options)

    assert tally.rows() == {"rows": 7, "rows_done": 6, "rows_failed": 1, "rows_skipped": 0}
    first = digests(tmp_path / "out")
    assert len(first) == 7
    assert {"named/two-000.mp4", "named/two-001.mp4"} < set(first)
    table = results(tmp_path / "out")
    assert [(row["row"], row["take"]) for row in table] == [*[(row, 0) for row in (2, 3, 4, 5, 6)], (7, 0), (7, 1), (8, 0)]
    assert (table[-1]["status"], table[-1]["reason"]) == ("failed", "bad_portrait")
    assert table[5]["coefficients_sha256"] != table[6]["coefficients_sha256"]
    assert table[5]["coefficients_sha256"] == table[0]["coefficients_sha256"]
    check_clip(tmp_path / "out" / table[3]["output"], table[3])

    # Three are lost, one of them without a trace in the table.
    for lost in (table[1]["output"], table[4]["output"], "named/two-001.mp4"):
        (tmp_path / "out" / lost).unlink()
    (tmp_path / "out" / "results.parquet").unlink()
    again = render(render_runs, rows, tmp_path / "out", **options)

    assert again.rows() == {"rows": 7, "rows_done": 3, "rows_failed": 1, "rows_skipped": 3}
    assert digests(tmp_path / "out") == first
    assert all(row["thumbnail"] for row in results(tmp_path / "out")[:-1])
    assert [path.name for path in (tmp_path / "out" / "scratch").iterdir()] == []


def check_clip(path: Path, row: dict[str, Any]) -> None:
    """Check frames, sound and metadata of a clip of 0.8 s."""
    with av.open(str(path)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.frames, row["frames"]) == (20, 20)
        assert video.start_time == sound.start_time == 0
        assert float(video.duration * video.time_base) == float(sound.duration * sound.time_base) == pytest.approx(0.8)
        assert container.metadata["comment"] == SYNTHETIC_STATEMENT
        lineage = json.loads(container.metadata["description"])
    assert lineage == json.loads(row["lineage"])
    assert lineage["clip_id"] == row["clip_id"]
    assert lineage["models"]["vqig"]["run"] == row["vqig"]
    assert set(lineage["files_sha256"]) == {"portrait", "audio"}


def test_changed_rows_and_files_are_made_anew(render_runs: RenderStore, tmp_path: Path) -> None:
    rows = rows_of(3, output="")
    rows[0]["output"] = "a.mp4"
    render(render_runs, rows, tmp_path / "out")
    rows[0]["seed"], rows[1]["intensity"] = 77, 1.0
    (render_runs.folder / "renamed.png").write_bytes((render_runs.folder / "two.png").read_bytes())
    rows[2]["portrait"] = "renamed.png"

    tally = render(render_runs, rows, tmp_path / "out")

    assert tally.rows()["rows_done"] == 1  # another name of the same picture changes nothing
    assert results(tmp_path / "out")[0]["seed"] == 77
    assert len(digests(tmp_path / "out")) == 3


def test_paste_back_gives_clips_of_the_picture(render_runs: RenderStore, tmp_path: Path) -> None:
    render(render_runs, rows_of(1), tmp_path / "out", paste_back=True)

    (path,) = (tmp_path / "out" / "clips").iterdir()
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert frames[0].shape == (256, 256, 3)
    corner = np.stack([frame[:20, :20] for frame in frames]).astype(int)
    assert np.abs(corner - corner[0]).max() <= 6  # what is around the face stays


def test_references_poses_and_bad_files(render_runs: RenderStore, tmp_path: Path) -> None:
    (render_runs.folder / "broken.wav").write_bytes(b"RIFF no sound at all" * 20)
    (render_runs.folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    base = {"portrait": "one.png", "audio": "short.wav", "emotion": EMOTION}
    rows: list[dict[str, object]] = [
        {**base, "emotion": "", "emotion_reference": "two.png"},
        {**base, "pose": "fixed"},
        {**base, "audio": "broken.wav"},
        {**base, "portrait": "broken.png"},
        {**base, "emotion": "happy"},
        {**base, "emotion": "", "emotion_reference": "none.png"},
        {**base, "output": "../escape.mp4"},
        {**base, "text": "Hello."},
        {**base, "audio": "gone.wav"},
        {**base, "portrait": "gopher://x/y.png"},
    ]

    tally = render(render_runs, rows, tmp_path / "out")

    reasons = {result.row: result.reason for result in tally.failed}
    assert set(reasons) == set(range(4, 12))
    assert reasons[6] == "generation_failed"
    assert reasons[7] == "bad_reference"
    assert (reasons[8], reasons[9], reasons[10], reasons[11]) == ("unsafe_output", "contradiction", "missing_file", "unknown_scheme")
    assert all(result.message for result in tally.failed)
