"""What is written comes back: frames, times, sound and tags; twice the same bytes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from pipelines.audio.loading import load_waveform
from pipelines.video.encoding import write_video
from pipelines.video.probing import probe_media
from pipelines.video.reading import read_frames
from storage_schemas.build_spec import LimitSettings


def _pictures(count: int, width: int = 96, height: int = 64) -> list[np.ndarray]:
    columns = np.linspace(0, 255, width)[None, :, None]
    return [np.broadcast_to((columns + 4 * index) % 256, (height, width, 3)).astype(np.uint8) for index in range(count)]


def _tone(seconds: float) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 300 * np.arange(int(16000 * seconds)) / 16000)).astype(np.float32)


def test_round_trip(tmp_path: Path) -> None:
    written = _pictures(50)
    count = write_video(tmp_path / "clip.mp4", written, 25, audio=_tone(2.0), metadata={"comment": "synthetic: yes ☂"}, crf=1)
    probe = probe_media(tmp_path / "clip.mp4", LimitSettings())
    assert count == len(probe.frame_pts) == 50
    assert probe.fps == pytest.approx(25)
    for index, picture in read_frames(probe, np.arange(50)):
        assert np.abs(picture.astype(int) - written[index]).mean() < 4
    waveform = load_waveform(probe)
    assert len(waveform) == 32000
    correlation = np.dot(waveform, _tone(2.0)) / (np.linalg.norm(waveform) * np.linalg.norm(_tone(2.0)))
    assert correlation > 0.99
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.metadata["comment"] == "synthetic: yes ☂"
        assert "encoder" not in container.metadata


def test_bytes_are_stable(tmp_path: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        write_video(tmp_path / name, _pictures(30), Fraction(30000, 1001), audio=_tone(1.0), metadata={"title": "x"})
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_without_sound(tmp_path: Path) -> None:
    write_video(tmp_path / "mute.mp4", iter(_pictures(5)), 25)
    assert not probe_media(tmp_path / "mute.mp4", LimitSettings(), audio_required=False).has_audio


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        ([], "at least one frame"),
        ([np.zeros((64, 95, 3), np.uint8)], "even sides"),
        ([np.zeros((64, 96, 3), np.float32)], "RGB uint8"),
        ([np.zeros((64, 96, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)], "one size"),
    ],
)
def test_bad_frames_are_refused(tmp_path: Path, frames: list[np.ndarray], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        write_video(tmp_path / "bad.mp4", frames, 25)
