"""Probing tells every kind of unusable file by its right reason, and believes packets rather than headers."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipelines.video.probing import probe_media
from storage_schemas.build_spec import LimitSettings
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage
from tests.factories.damaged_media import claim_dimensions, claim_duration, flip_bits, truncate, write_hostile_files
from tests.factories.synthetic_video import write_flash_and_beep, write_tone

LIMITS = LimitSettings()


def _reason(path: Path, limits: LimitSettings = LIMITS, **options: object) -> RejectionReason:
    with pytest.raises(ItemRejectedError) as caught:
        probe_media(path, limits, **options)
    assert caught.value.stage is Stage.PROBE
    assert str(path.parent) not in caught.value.message
    return caught.value.reason


def test_every_hostile_file_has_its_right_reason(tmp_path: Path) -> None:
    hostile = write_hostile_files(tmp_path)
    found = {file.path.name: _reason(file.path) for file in hostile}
    wrong = {file.path.name: found[file.path.name] for file in hostile if found[file.path.name] not in file.reasons}
    assert wrong == {}
    assert len(hostile) > 20


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001)])
def test_measures_a_good_video(tmp_path: Path, fps: Fraction) -> None:
    clip = write_flash_and_beep(tmp_path / "good.mp4", fps, 2.0)
    probe = probe_media(clip.path, LIMITS)
    assert (probe.width_px, probe.height_px, probe.rotation_deg) == (160, 120, 0)
    assert len(probe.frame_pts) == len(clip.frame_times_s)
    assert probe.fps == pytest.approx(float(fps), rel=1e-6)
    times_s = (probe.frame_pts - probe.frame_pts[0]) * float(probe.time_base)
    np.testing.assert_allclose(times_s, clip.frame_times_s, atol=1e-9)
    assert probe.has_audio
    assert probe.audio_duration_s == pytest.approx(2.0, abs=0.03)
    assert probe.decord_safe
    assert probe.decord_unsafe_because == ""


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
def test_rotation_makes_sides_upright(tmp_path: Path, rotation_deg: int) -> None:
    clip = write_flash_and_beep(tmp_path / "phone.mp4", 30, 1.0, rotation_deg=rotation_deg, size=(96, 128))
    probe = probe_media(clip.path, LIMITS)
    assert (probe.width_px, probe.height_px, probe.rotation_deg) == (96, 128, rotation_deg)
    assert not probe.decord_safe
    assert "rotated" in probe.decord_unsafe_because


@pytest.mark.parametrize("suffix", [".mov", ".mkv", ".webm", ".mpg", ".avi"])
def test_other_containers(tmp_path: Path, suffix: str) -> None:
    clip = write_flash_and_beep(tmp_path / f"clip{suffix}", 25, 2.0)
    probe = probe_media(clip.path, LIMITS)
    assert len(probe.frame_pts) == 50
    assert probe.decord_safe == (suffix == ".mov")


def test_false_dimensions_in_headers_are_not_believed(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "good.mp4", 25, 1.0)
    claim_dimensions(clip.path, tmp_path / "lies.mp4", 60000, 50000)
    probe = probe_media(tmp_path / "lies.mp4", LIMITS)
    assert (probe.width_px, probe.height_px) == (160, 120)


def test_false_duration_in_headers_is_not_believed(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "good.mp4", 25, 1.0)
    claim_duration(clip.path, tmp_path / "lies.mp4", 360_000)
    probe = probe_media(tmp_path / "lies.mp4", LIMITS)
    assert probe.duration_s == pytest.approx(1.0)


def test_real_dimensions_and_duration_beyond_the_limits(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "good.mp4", 25, 2.0, size=(320, 240))
    assert _reason(clip.path, LimitSettings(max_side_px=300)) is RejectionReason.DIMENSIONS_OUT_OF_RANGE
    assert _reason(clip.path, LimitSettings(max_duration_s=1.5)) is RejectionReason.DURATION_OUT_OF_RANGE


def test_says_what_share_of_a_half_download_is_missing(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "good.mp4", 25, 4.0, faststart=True)
    truncate(clip.path, tmp_path / "half.mp4", 0.7)
    with pytest.raises(ItemRejectedError) as caught:
        probe_media(tmp_path / "half.mp4", LIMITS)
    assert caught.value.reason is RejectionReason.TRUNCATED_FILE
    assert 0.2 < float(caught.value.details["missing_share"]) < 0.8


@pytest.mark.parametrize("suffix", [".mkv", ".avi"])
def test_truncation_is_seen_where_the_container_declares_its_size(tmp_path: Path, suffix: str) -> None:
    clip = write_flash_and_beep(tmp_path / f"good{suffix}", 25, 4.0)
    truncate(clip.path, tmp_path / f"cut{suffix}", 0.6)
    assert _reason(tmp_path / f"cut{suffix}") is RejectionReason.TRUNCATED_FILE


def test_index_that_points_beyond_the_file(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "good.mp4", 25, 4.0, audio=False)
    data = bytearray(clip.path.read_bytes())
    sizes = data.index(b"stsz") + 16
    data[sizes + 40 : sizes + 44] = b"\x00\x40\x00\x00"
    clip.path.write_bytes(data)
    assert _reason(clip.path, audio_required=False) in {RejectionReason.VIDEO_UNDECODABLE, RejectionReason.TRUNCATED_FILE}


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bits_never_raise_anything_but_a_rejection(tmp_path: Path, seed: int) -> None:
    clip = write_flash_and_beep(tmp_path / "good.mp4", 25, 2.0, faststart=seed % 2 == 0)
    flip_bits(clip.path, tmp_path / "flipped.mp4", 60, seed)
    with contextlib.suppress(ItemRejectedError):
        probe_media(tmp_path / "flipped.mp4", LIMITS)


def test_separate_sound_replaces_the_videos_own(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "mute.mp4", 25, 2.0, audio=False)
    write_tone(tmp_path / "sound.m4a", 1.5)
    probe = probe_media(clip.path, LIMITS, audio_path=tmp_path / "sound.m4a")
    assert (probe.has_audio, probe.audio_path) == (True, tmp_path / "sound.m4a")
    assert probe.audio_duration_s == pytest.approx(1.5, abs=0.05)
    assert _reason(clip.path) is RejectionReason.NO_AUDIO_STREAM
    assert not probe_media(clip.path, LIMITS, audio_required=False).has_audio


def test_broken_separate_sound(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "good.mp4", 25, 1.0)
    (tmp_path / "text.m4a").write_text("no sound")
    assert _reason(clip.path, audio_path=tmp_path / "text.m4a") is RejectionReason.NOT_MEDIA
    assert _reason(clip.path, audio_path=tmp_path / "absent.m4a") is RejectionReason.MISSING_SOURCE


def test_edit_list_hides_frames_from_the_count(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "cut.mp4", 25, 2.0, first_pts_s=-0.2)
    probe = probe_media(clip.path, LIMITS)
    assert len(probe.frame_pts) == 45
    assert not probe.decord_safe


@pytest.mark.parametrize("name", ["a;b`c`$(d).mp4", "line\nbreak.mp4", "hash # 'quote' \".mp4", "ünï%20c%03d.mp4", "concat:a|b.mp4"])
def test_names_are_only_names(tmp_path: Path, name: str) -> None:
    clip = write_flash_and_beep(tmp_path / "good.mp4", 25, 1.0)
    probe = probe_media(clip.path.rename(tmp_path / name), LIMITS)
    assert len(probe.frame_pts) == 25


def test_name_that_is_not_utf8_is_read_without_decord(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "good.mp4", 25, 1.0)
    probe = probe_media(clip.path.rename(tmp_path / "caf\udce9.mp4"), LIMITS)
    assert len(probe.frame_pts) == 25
    assert not probe.decord_safe


def test_real_clips(shared_data: Path) -> None:
    probes = {path.name: probe_media(path, LIMITS) for path in sorted((shared_data / "clips").iterdir())}
    assert {name: (probe.width_px, probe.height_px, len(probe.frame_pts)) for name, probe in probes.items()} == {
        "grid_bbaf2n_360x288.mpg": (360, 288, 75),
        "hard_two_faces_learning2listen_ex_1.mp4": (1920, 1080, 261),
        "hdtf_WDA_KatieHill_000_512.mp4": (512, 512, 200),
        "latentsync_demo1_1080x1920_hevc.mp4": (1080, 1920, 250),
        "may_5s_512.mp4": (512, 512, 125),
        "mead_M030_sad_level3_001_1080p.mp4": (1920, 1080, 112),
        "mead_style_clip_male_256.mp4": (256, 256, 81),
        "retalking_1_700_vfr.mp4": (700, 700, 135),
        "retalking_2_844.mp4": (844, 844, 125),
        "styletalk_KristiNoem_256_30fps.mov": (256, 256, 542),
    }
