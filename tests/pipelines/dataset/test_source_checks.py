"""A source that goes or changes during a build stops it instead of becoming a rejection that outlives the trouble."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.dataset.recording_processing import process_recording
from storage_schemas.build_spec import BuildSpec
from storage_schemas.errors import BadInputError
from storage_schemas.processing_request import ProcessingRequest
from storage_schemas.recordings import Recording
from storage_schemas.rejections import RejectionReason


def _request(root: Path, recording: Recording) -> ProcessingRequest:
    return ProcessingRequest(recording=recording, source_root=str(root), out_folder=str(root / "out"), spec=BuildSpec())


def _listed(text: str, name: str = "clip.mp4") -> Recording:
    return Recording(recording_id=name, video=name, speaker="s", size_bytes=len(text), video_sha256="0" * 64)


def test_a_file_that_is_as_listed_is_judged(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_text("no video")
    outcome = process_recording(_request(tmp_path, _listed("no video")))
    assert [rejection.reason for rejection in outcome.rejections] == [RejectionReason.NOT_MEDIA]


def test_a_file_that_has_gone_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"clip.mp4 could be read when the corpus was listed and cannot now.*run again"):
        process_recording(_request(tmp_path, _listed("no video")))


def test_a_sound_file_that_has_gone_stops_the_build(tmp_path: Path) -> None:
    from tests.factories.synthetic_video import write_flash_and_beep  # noqa: PLC0415

    clip = write_flash_and_beep(tmp_path / "clip.mp4", 25, 1.0, audio=False).path
    recording = Recording(
        recording_id="clip", video="clip.mp4", audio="clip.wav", speaker="s", size_bytes=clip.stat().st_size, video_sha256="0" * 64
    )
    with pytest.raises(BadInputError, match="cannot now"):
        process_recording(_request(tmp_path, recording))


def test_a_file_of_another_size_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_text("no video, and longer")
    with pytest.raises(BadInputError, match="had 8 bytes when the corpus was listed and has 20 now"):
        process_recording(_request(tmp_path, _listed("no video")))


def test_without_a_hash_nothing_was_promised(tmp_path: Path) -> None:
    outcome = process_recording(_request(tmp_path, Recording(recording_id="x", video="x.mp4", speaker="s")))
    assert [rejection.reason for rejection in outcome.rejections] == [RejectionReason.MISSING_SOURCE]
