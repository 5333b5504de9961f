"""A flash and a beep of the same moment stay within 20 ms of each other through probing, the grid, reading and loading."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipelines.audio.loading import load_waveform
from pipelines.media_time import CLIP_FPS
from pipelines.video.frame_grid import assign_slots
from pipelines.video.probing import probe_media
from pipelines.video.reading import read_frames
from storage_schemas.build_spec import LimitSettings
from tests.factories.synthetic_video import FlashAndBeep, beep_onsets_s, flash_onsets, write_flash_and_beep

RATES = {
    "23.976": Fraction(24000, 1001), "25": Fraction(25), "29.97": Fraction(30000, 1001), "30": Fraction(30), "50": Fraction(50),
    "59.94": Fraction(60000, 1001),
}  # fmt: skip
# 16 kHz samples are 0.06 ms apart and lossy codecs smear an onset by about as much.
MEASURING_ERROR_S = 0.0005


def _differences_s(clip: FlashAndBeep) -> np.ndarray:
    """Flash minus beep, in seconds, of every event of a file, as a clip of it would show and play them."""
    probe = probe_media(clip.path, LimitSettings())
    grid = assign_slots(probe.frame_pts, probe.time_base)
    shown = np.unique(grid.source_index)
    left, top, width, height = clip.patch_px
    brightness = {
        index: picture[top + 2 : top + height - 2, left + 2 : left + width - 2].mean() for index, picture in read_frames(probe, shown)
    }
    flashes = np.array(flash_onsets(np.array([brightness[index] for index in grid.source_index]))) / CLIP_FPS
    waveform = load_waveform(probe)
    assert len(waveform) == 640 * len(grid)
    beeps = np.array(beep_onsets_s(waveform))
    flashes = flashes[flashes > beeps[0] - 0.5]
    assert len(flashes) == len(beeps) == len(clip.onsets_s)
    return flashes - beeps


def _check(clip: FlashAndBeep) -> np.ndarray:
    differences = _differences_s(clip)
    assert np.abs(differences).max() <= 0.020 + MEASURING_ERROR_S, f"{clip.path.name}: {1000 * differences}"
    return differences


@pytest.mark.parametrize("rate", RATES)
def test_constant_rates(tmp_path: Path, rate: str) -> None:
    assert len(_check(write_flash_and_beep(tmp_path / "clip.mp4", RATES[rate], 8.0))) == 8


@pytest.mark.parametrize("rate", RATES)
def test_constant_rates_over_a_minute(tmp_path: Path, rate: str) -> None:
    differences = _check(write_flash_and_beep(tmp_path / "clip.mp4", RATES[rate], 60.0))
    assert len(differences) == 60
    # No drift: the first and the last ten seconds have the same mean to within the grid's own rounding.
    assert abs(differences[:10].mean() - differences[-10:].mean()) < 0.020


@pytest.mark.parametrize("duration_s", [8.0, 60.0])
def test_variable_rate(tmp_path: Path, duration_s: float) -> None:
    assert len(_check(write_flash_and_beep(tmp_path / "clip.mp4", 27, duration_s, variable=True))) == duration_s


@pytest.mark.parametrize(("delay_s", "duration_s"), [(0.3, 8.0), (1.7, 8.0), (1.7, 60.0)])
def test_audio_track_that_starts_late(tmp_path: Path, delay_s: float, duration_s: float) -> None:
    _check(write_flash_and_beep(tmp_path / "clip.mp4", 30, duration_s, audio_delay_s=delay_s))


@pytest.mark.parametrize(("rotation_deg", "duration_s"), [(90, 8.0), (270, 8.0), (90, 60.0)])
def test_rotated_phone_video(tmp_path: Path, rotation_deg: int, duration_s: float) -> None:
    _check(write_flash_and_beep(tmp_path / "clip.mp4", Fraction(30000, 1001), duration_s, rotation_deg=rotation_deg, size=(96, 128)))


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".webm", ".mpg", ".avi"])
def test_containers_and_codecs(tmp_path: Path, suffix: str) -> None:
    """PCM, Opus with its priming, MP2 in a program stream."""
    _check(write_flash_and_beep(tmp_path / f"clip{suffix}", 25, 10.0))


@pytest.mark.parametrize(("suffix", "first_pts_s"), [(".mp4", 1.5), (".mp4", -0.2), (".mpg", 3.6), (".mkv", 2.0)])
def test_first_timestamp_is_not_zero(tmp_path: Path, suffix: str, first_pts_s: float) -> None:
    clip = write_flash_and_beep(tmp_path / f"clip{suffix}", 25, 10.0, first_pts_s=first_pts_s)
    _check(clip)
