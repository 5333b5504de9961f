"""Still images come upright and in RGB; what is no usable image is rejected by its right reason."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.video.still_images import read_still
from storage_schemas.build_spec import LimitSettings
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason

LIMITS = LimitSettings()


def _picture(width: int = 96, height: int = 64) -> np.ndarray:
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = (255, 40, 10)
    return picture


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned left: show it turned 90 degrees clockwise
    Image.fromarray(np.rot90(_picture())).save(tmp_path / "phone.png", exif=exif)
    np.testing.assert_array_equal(read_still(tmp_path / "phone.png", LIMITS), _picture())


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_modes_become_rgb(tmp_path: Path, mode: str, suffix: str) -> None:
    if mode == "CMYK" and suffix == ".png":
        pytest.skip("PNG has no CMYK")
    image = Image.fromarray(np.full((64, 64), 257 * 100, np.uint16)) if mode == "I;16" else Image.fromarray(_picture()).convert(mode)
    image.save(tmp_path / f"image{suffix}")
    picture = read_still(tmp_path / f"image{suffix}", LIMITS)
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert picture[10, 10].max() > 60


def test_unusable_files(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not an image")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    Image.fromarray(_picture(400, 300)).save(tmp_path / "whole.jpg")
    (tmp_path / "half.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-400])
    Image.fromarray(_picture(20, 20)).save(tmp_path / "tiny.png")
    expected = {
        "text.png": RejectionReason.NOT_MEDIA,
        "empty.png": RejectionReason.EMPTY_FILE,
        "folder.png": RejectionReason.NOT_A_REGULAR_FILE,
        "half.jpg": RejectionReason.TRUNCATED_FILE,
        "tiny.png": RejectionReason.DIMENSIONS_OUT_OF_RANGE,
        "absent.png": RejectionReason.MISSING_SOURCE,
    }
    for name, reason in expected.items():
        with pytest.raises(ItemRejectedError) as caught:
            read_still(tmp_path / name, LIMITS)
        assert caught.value.reason is reason, name


def test_absurd_sides_are_refused_before_decoding(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    data = struct.pack(">I", 4) + b"IDAT" + b"abcd" + struct.pack(">I", zlib.crc32(b"IDATabcd"))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + data)
    with pytest.raises(ItemRejectedError) as caught:
        read_still(tmp_path / "bomb.png", LIMITS)
    assert caught.value.reason is RejectionReason.DIMENSIONS_OUT_OF_RANGE


def test_real_portraits(shared_data: Path) -> None:
    for path in sorted((shared_data / "portraits").glob("*.*")):
        assert min(read_still(path, LIMITS).shape[:2]) >= 256
