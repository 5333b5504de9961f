from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.video_evaluation.made_videos import made_videos
from storage_schemas.errors import BadInputError
from storage_schemas.render_results import RESULT_SCHEMA, ClipResult, ClipStatus


def test_a_folder_has_all_its_videos_and_says_which_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.mp4").write_bytes(b"x")
    (tmp_path / "a.avi").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"x")

    found = made_videos(tmp_path)

    assert [(video.name, bool(video.problem)) for video in found] == [("a.avi", True), ("sub/b.mp4", False)]


def test_a_batch_has_what_its_table_names(tmp_path: Path) -> None:
    rows = [
        ClipResult(row=2, take=0, status=ClipStatus.DONE, output="x.mp4", audio="../sound/A.wav", emotion="sad"),
        ClipResult(row=3, take=0, status=ClipStatus.DONE, output="y.mp4", audio="B.wav", emotion="happy:0.5,sad:0.5"),
        ClipResult(row=4, take=1, status=ClipStatus.FAILED, reason="bad_audio", message="no sound", audio="C.wav"),
    ]
    table = pa.Table.from_pylist([row.model_dump(mode="json") | {"thumbnail": b""} for row in rows], RESULT_SCHEMA)
    pq.write_table(table, tmp_path / "results.parquet")
    (tmp_path / "stray.mp4").write_bytes(b"x")

    found = {video.name: video for video in made_videos(tmp_path)}

    assert list(found) == ["row 4, take 1", "x.mp4", "y.mp4"]
    assert found["x.mp4"].candidates == ("../sound/A.wav", "x.mp4")
    assert found["x.mp4"].emotion == "sad"
    assert found["y.mp4"].emotion == ""  # a mixture is no label
    assert found["row 4, take 1"].problem == "bad_audio: no sound"


def test_nothing_to_evaluate_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="found none"):
        made_videos(tmp_path)
    with pytest.raises(BadInputError):
        made_videos(tmp_path / "missing")
    (tmp_path / "results.parquet").write_bytes(b"no table")
    with pytest.raises(BadInputError, match=r"results\.parquet"):
        made_videos(tmp_path)
