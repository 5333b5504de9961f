from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.dataset.landmark_files import LandmarkFiles
from storage_schemas.errors import StoreError
from tests.factories.landmark_parts import pack_landmarks


def test_a_clip_is_read_as_it_was_written(tmp_path: Path) -> None:
    pack_landmarks(tmp_path / "part", {"a": (30, 25), "b": (40,)})
    files = LandmarkFiles(tmp_path / "part")
    shapes = [files.read(item).shape for recording in files.index.recordings for item in recording.clips]
    assert shapes == [(30, 478, 3), (25, 478, 3), (40, 478, 3)]


def test_damaged_landmarks_are_named(tmp_path: Path) -> None:
    pack_landmarks(tmp_path / "part", {"a": (30,)})
    files = LandmarkFiles(tmp_path / "part")
    item = files.index.recordings[0].clips[0]
    other = item.model_copy(update={"hashes": item.hashes.model_copy(update={"landmarks": "0" * 64})})
    with pytest.raises(StoreError, match=r"clip a_000 should have SHA-256 0{64}"):
        files.read(other)
    chunk = next(path for path in (tmp_path / "part").rglob("c/0/0/0") if "landmarks" in str(path))
    chunk.write_bytes(chunk.read_bytes()[:100])
    with pytest.raises(StoreError, match="does not decode"):
        files.read(item)
