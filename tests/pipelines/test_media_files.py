"""What opening and reading untrusted media takes care of beyond what probing tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import av.error
import pytest

from pipelines.media_files import error_text, explain_unopenable, open_media, read_packets, stream_kinds
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason
from tests.factories.damaged_media import write_cover_art_mp3


def _error(code: int) -> av.error.FFmpegError:
    with pytest.raises(av.error.FFmpegError) as caught:
        av.error.err_check(code)
    return caught.value


def test_streams_that_appear_half_way_end_nothing() -> None:
    def demux(_: object) -> Iterator[str]:
        yield from ("packet", "flush")
        raise IndexError

    stream = SimpleNamespace(index=0)
    problems: list[str] = []
    assert list(read_packets(SimpleNamespace(streams=[stream], demux=demux), stream, problems)) == ["packet", "flush"]
    assert problems == []


@pytest.mark.parametrize("code", [-1, -50531338])
def test_numbers_that_say_nothing_are_not_passed_on(code: int) -> None:
    assert error_text(_error(code)) == "FFmpeg gives no reason"


def test_a_refusal_of_the_system_is_passed_on() -> None:
    assert error_text(_error(-13)) == "Permission denied"


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", RejectionReason.NOT_MEDIA),
        (b"RIFF\x10\x27\x00\x00AVI LIST", RejectionReason.TRUNCATED_FILE),
        (b"RIFF\x10\x27\x00\x00", RejectionReason.TRUNCATED_FILE),
        (b"RIFX\x10\x27\x00\x00", RejectionReason.NOT_MEDIA),
    ],
)
def test_of_riff_files_only_films_and_sound_can_be_truncated(tmp_path: Path, head: bytes, reason: RejectionReason) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(head)
    rejected: ItemRejectedError = explain_unopenable(path, len(head), _error(-1), "video")
    assert rejected.reason is reason
    assert rejected.message.startswith("expected ")


def test_cover_art_is_called_so(tmp_path: Path) -> None:
    write_cover_art_mp3(tmp_path / "cover.mp3")
    with open_media(tmp_path / "cover.mp3") as container:
        assert stream_kinds(container) == "audio, cover art"
