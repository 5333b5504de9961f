"""A version of a real encoded video whose coefficients are replaced by known ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipelines.dataset import extraction_comparison
from pipelines.dataset.extraction_comparison import compare_extractions
from pipelines.video.encoding import write_video
from storage_schemas.build_spec import BuildSpec
from storage_schemas.errors import BadInputError

SOURCE_FRAMES = 90


class _Manifest:
    dataset_version = "0" * 16
    spec = BuildSpec()


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A video of 30 frames a second, of which the version has all; its coefficients are the source frames' curves, sampled at 25."""
    write_video(tmp_path / "talk.mp4", (np.full((64, 64, 3), value, np.uint8) for value in range(SOURCE_FRAMES)), Fraction(30))
    row = {"source_video": "talk.mp4", "source_start_s": 0.0, "frames": 74, "coefficients_part": "c", "coefficients_start": 5}
    shown = np.floor((np.arange(74) / 25 + 1 / 300) * 30 + 0.5).astype(int)  # the grid begins 1/300 s late, see frame_grid
    monkeypatch.setattr(extraction_comparison, "load_manifest", lambda *_: _Manifest)
    monkeypatch.setattr(extraction_comparison, "_row_of", lambda _store, _version, video: row | {"source_video": video})
    monkeypatch.setattr(extraction_comparison, "read_rows", lambda _store, _part, _name, rows: _curves()[shown][: rows.count])
    return tmp_path


def _curves() -> np.ndarray:
    times = np.arange(SOURCE_FRAMES) / 30
    return np.stack([np.sin(7 * times), np.cos(9 * times), np.sin(11 * times), *np.zeros((3, SOURCE_FRAMES))], axis=-1)


def _write(path: Path, missing: int) -> Path:
    coefficients = np.zeros((SOURCE_FRAMES, 257), np.float32)
    coefficients[:, 224:227] = _curves()[:, :3]
    np.save(path, coefficients[missing:])
    return path


def test_rows_are_the_last_frames_of_the_video(source: Path) -> None:
    files = [_write(source / "whole.npy", 0), _write(source / "short.npy", 2)]
    rows = compare_extractions(object(), "latest", source, "talk.mp4", files)  # type: ignore[arg-type]
    assert [(row["first"], row["second"]) for row in rows] == [("ours", "whole.npy"), ("ours", "short.npy"), ("whole.npy", "short.npy")]
    assert all(row[name] == pytest.approx(1, abs=1e-4) for row in rows for name in ("pitch", "yaw", "roll"))
    assert {row["frames"] for row in rows} == {72}


def test_a_video_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction_comparison, "load_manifest", lambda *_: _Manifest)
    monkeypatch.setattr(extraction_comparison, "read_batches", lambda *_: [])
    with pytest.raises(BadInputError, match=r"no fitted clip of the video 'nobody\.mp4'"):
        compare_extractions(object(), "latest", tmp_path, "nobody.mp4", [])  # type: ignore[arg-type]
