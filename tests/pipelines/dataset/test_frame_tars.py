from __future__ import annotations

import io
from pathlib import Path

import pytest

from pipelines.dataset.frame_tars import expected_members, last_byte, member_names, staged_members
from storage_schemas.errors import BuildFailedError
from tests.factories.staged_recordings import make_clip, stage_recording


def test_names_follow_clips_and_frames() -> None:
    first, second = make_clip("a", 0, 2), make_clip("a", 1, 1)
    keys = [f"{first.clip_key}-000000", f"{first.clip_key}-000001", f"{second.clip_key}-000000"]
    assert list(member_names([first, second])) == [f"{key}.{suffix}" for key in keys for suffix in ("jpg", "json")]


def test_members_of_a_staged_tar(tmp_path: Path) -> None:
    outcome = stage_recording(tmp_path / "s", "a", (2, 1))
    with (tmp_path / "s/frames.tar").open("rb") as stream:
        members = list(staged_members(stream, outcome.clips, "here"))
        assert [member.name for member in members] == list(member_names(outcome.clips))
        assert last_byte(members) == (tmp_path / "s/frames.tar").stat().st_size - 1024
        second = list(expected_members(stream, member_names(outcome.clips[1:]), members[3].end, "here"))
        assert second == members[4:]
    assert last_byte([]) == 0


def test_another_member_is_named(tmp_path: Path) -> None:
    stage_recording(tmp_path / "s", "a", (2,))
    data = (tmp_path / "s/frames.tar").read_bytes()
    other = make_clip("b", 0, 2)
    with pytest.raises(BuildFailedError, match=f"here: expected member {other.clip_key}-000000.jpg at byte 0, found '[0-9a-f]"):
        list(staged_members(io.BytesIO(data), [other], "here"))
    with pytest.raises(BuildFailedError, match="found no tar header"):
        list(expected_members(io.BytesIO(data), ["x"], len(data), "here"))
