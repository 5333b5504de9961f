"""Both readers give the same frames and pixels, from anywhere in a file, and neither passes damaged ones on."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipelines.video.probing import probe_media
from pipelines.video.reading import read_frames
from storage_schemas.build_spec import LimitSettings
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage
from tests.factories.damaged_media import flip_bits
from tests.factories.synthetic_video import frame_number, write_flash_and_beep, write_numbered_frames

LIMITS = LimitSettings()
READERS = ["auto", "pyav"]


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("numbered") / "numbered.mp4"
    write_numbered_frames(path, 200)
    return path


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "wanted", [range(200), range(0, 200, 3), range(120, 140), [0], [199], [90, 91, 150, 199], [51, 52, 53, 60, 61]], ids=str
)
def test_frames_are_the_ones_asked_for(numbered: Path, reader: str, wanted: list[int]) -> None:
    probe = probe_media(numbered, LIMITS, audio_required=False)
    assert probe.decord_safe
    found = [(index, frame_number(picture)) for index, picture in read_frames(probe, np.array(wanted), reader=reader)]
    assert found == [(index, index) for index in wanted]


def test_seeking_gives_the_same_pixels(numbered: Path) -> None:
    probe = probe_media(numbered, LIMITS, audio_required=False)
    whole = dict(read_frames(probe, np.arange(200), reader="pyav"))
    for reader in READERS:
        for index, picture in read_frames(probe, np.arange(130, 150), reader=reader):
            np.testing.assert_array_equal(picture, whole[index])


@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".mpg", ".avi", ".mov"])
def test_other_containers_from_the_middle(tmp_path: Path, suffix: str) -> None:
    clip = write_flash_and_beep(tmp_path / f"clip{suffix}", 25, 6.0)
    probe = probe_media(clip.path, LIMITS)
    whole = dict(read_frames(probe, np.arange(150), reader="pyav"))
    assert len(whole) == 150
    for index, picture in read_frames(probe, np.array([101, 102, 140]), reader="auto"):
        np.testing.assert_array_equal(picture, whole[index])


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_pictures_are_upright(tmp_path: Path, reader: str, rotation_deg: int) -> None:
    write_numbered_frames(tmp_path / "phone.mp4", 12, size=(128, 96), rotation_deg=rotation_deg)
    probe = probe_media(tmp_path / "phone.mp4", LIMITS, audio_required=False)
    pictures = list(read_frames(probe, np.arange(12), reader=reader))
    assert [frame_number(picture) for _, picture in pictures] == list(range(12))
    assert all(picture.shape == (96, 128, 3) and picture.flags.c_contiguous for _, picture in pictures)


@pytest.mark.parametrize("reader", READERS)
def test_odd_widths_are_contiguous(tmp_path: Path, reader: str) -> None:
    clip = write_flash_and_beep(tmp_path / "odd.mp4", 25, 0.4, size=(202, 150))
    for _, picture in read_frames(probe_media(clip.path, LIMITS), np.arange(10), reader=reader):
        assert picture.flags.c_contiguous


@pytest.mark.parametrize("reader", READERS)
def test_damaged_frames_are_never_passed_on(shared_data: Path, tmp_path: Path, reader: str) -> None:
    source = shared_data / "clips" / "hdtf_WDA_KatieHill_000_512.mp4"
    media = source.read_bytes().index(b"mdat")
    clean = dict(read_frames(probe_media(source, LIMITS), np.arange(40), reader="pyav"))
    reasons: list[RejectionReason] = []
    for seed in range(4):
        flip_bits(source, tmp_path / "flipped.mp4", 8, seed, first_byte=media + 2000, last_byte=media + 600_000)
        try:
            probe = probe_media(tmp_path / "flipped.mp4", LIMITS)
            for index, picture in read_frames(probe, np.arange(40), reader=reader):
                assert np.abs(picture.astype(int) - clean[index]).mean() < 3
        except ItemRejectedError as error:
            reasons.append(error.reason)
    assert len(reasons) >= 3
    assert set(reasons) <= {RejectionReason.VIDEO_UNDECODABLE, RejectionReason.AUDIO_UNDECODABLE}


def test_missing_frames_are_reported(numbered: Path, tmp_path: Path) -> None:
    probe = probe_media(numbered, LIMITS, audio_required=False)
    short = tmp_path / "short.mp4"
    write_numbered_frames(short, 150)
    changed = probe.__class__(**{**probe.__dict__, "path": short, "decord_safe": False})
    with pytest.raises(ItemRejectedError) as caught:
        list(read_frames(changed, np.arange(200)))
    assert caught.value.stage is Stage.TRACK
    assert caught.value.reason is RejectionReason.TRUNCATED_FILE
    assert caught.value.details["frame"] == 150


def test_decord_is_never_asked_for_frames_that_are_not_there(numbered: Path, tmp_path: Path) -> None:
    probe = probe_media(numbered, LIMITS, audio_required=False)
    short = tmp_path / "short.mp4"
    write_numbered_frames(short, 150)
    with pytest.raises(ItemRejectedError, match="expected frame 150 of 200") as caught:
        list(read_frames(probe.__class__(**{**probe.__dict__, "path": short}), np.arange(200)))
    assert caught.value.reason is RejectionReason.TRUNCATED_FILE


def test_pyav_goes_on_where_decord_fails(numbered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import decord  # noqa: PLC0415

    probe = probe_media(numbered, LIMITS, audio_required=False)
    expected = [picture for _, picture in read_frames(probe, np.arange(200), reader="pyav")]
    whole, read = decord.VideoReader.next, []

    def fail_at_frame_100(reader: object) -> object:
        read.append(1)
        if len(read) == 101:
            raise RuntimeError
        return whole(reader)

    monkeypatch.setattr(decord.VideoReader, "next", fail_at_frame_100)
    pictures = [picture for _, picture in read_frames(probe, np.arange(200))]
    assert len(read) == 101
    assert all((picture == other).all() for picture, other in zip(pictures, expected, strict=True))


@pytest.mark.parametrize("wanted", [[3, 3], [5, 4], [-1], [200]])
def test_wanted_is_checked_at_once(numbered: Path, wanted: list[int]) -> None:
    probe = probe_media(numbered, LIMITS, audio_required=False)
    with pytest.raises(ValueError, match="wanted"):
        read_frames(probe, np.array(wanted))


def test_nothing_wanted_gives_nothing(numbered: Path) -> None:
    assert list(read_frames(probe_media(numbered, LIMITS, audio_required=False), np.array([], np.int64))) == []


@pytest.mark.parametrize(
    "name",
    [
        "may_5s_512.mp4",
        "hdtf_WDA_KatieHill_000_512.mp4",
        "retalking_1_700_vfr.mp4",
        "styletalk_KristiNoem_256_30fps.mov",
        "grid_bbaf2n_360x288.mpg",
    ],
)
def test_readers_agree_on_real_clips(shared_data: Path, name: str) -> None:
    probe = probe_media(shared_data / "clips" / name, LIMITS)
    wanted = np.arange(0, 60)
    for (index, by_auto), (same, by_pyav) in zip(read_frames(probe, wanted), read_frames(probe, wanted, reader="pyav"), strict=True):
        assert index == same
        np.testing.assert_array_equal(by_auto, by_pyav)


def test_flash_frames_have_the_times_of_the_source(tmp_path: Path) -> None:
    clip = write_flash_and_beep(tmp_path / "vfr.mp4", Fraction(27), 3.0, variable=True)
    probe = probe_media(clip.path, LIMITS)
    left, top, width, height = clip.patch_px
    bright = [
        picture[top + 2 : top + height - 2, left + 2 : left + width - 2].mean() > 170
        for _, picture in read_frames(probe, np.arange(len(probe.frame_pts)))
    ]
    onsets = [index for index in range(1, len(bright)) if bright[index] and not bright[index - 1]]
    assert [clip.frame_times_s[index] for index in onsets] == list(clip.onsets_s)
