from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines.training.images.face_window import WHOLE_CROP, FaceWindow
from pipelines.training.images.frame_decoding import decode_frame
from storage_schemas.errors import StoreError

CROP_PX = 256


def _picture() -> np.ndarray:
    """A smooth picture, red from left to right, green from top to bottom."""
    ramp = np.linspace(0, 255, CROP_PX)
    return np.stack([np.tile(ramp, (CROP_PX, 1)), np.tile(ramp[:, None], (1, CROP_PX)), np.full((CROP_PX, CROP_PX), 40.0)], -1)


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    bgr = cv2.cvtColor(_picture().astype(np.uint8), cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 98])[1])


@pytest.mark.parametrize("size_px", [32, 64, 128, 256])
@pytest.mark.parametrize("window", [WHOLE_CROP, FaceWindow(0.25, 0.125, 0.5)])
def test_the_window_is_what_comes_out_however_coarsely_it_is_decoded(jpeg: bytes, window: FaceWindow, size_px: int) -> None:
    found = decode_frame(jpeg, window, size_px, CROP_PX)
    left, top, side = window.pixels(CROP_PX)
    wanted = cv2.resize(_picture()[top : top + side, left : left + side], (size_px, size_px), interpolation=cv2.INTER_AREA)
    assert found.shape == (size_px, size_px, 3)
    assert np.abs(found - wanted).max() < 6


def test_what_is_no_picture() -> None:
    with pytest.raises(StoreError, match="no JPEG"):
        decode_frame(b"nothing", WHOLE_CROP, 32, CROP_PX)


@pytest.mark.parametrize("size_px", [32, 64, 128])
def test_surroundings_meet_the_window(jpeg: bytes, size_px: int) -> None:
    window, margin = FaceWindow(0.25, 0.125, 0.5), size_px // 8
    found = decode_frame(jpeg, window, size_px, CROP_PX, margin)
    wider = decode_frame(jpeg, FaceWindow(0.25 - 1 / 16, 0.125 - 1 / 16, 0.5 + 1 / 8), size_px + 2 * margin, CROP_PX)
    assert found.shape == (size_px + 2 * margin, size_px + 2 * margin, 3)
    inside = found[margin:-margin, margin:-margin].astype(int)
    assert np.abs(inside - decode_frame(jpeg, window, size_px, CROP_PX)).max() < 6
    assert np.abs(found.astype(int) - wider).max() < 6


def test_surroundings_beyond_the_crop_repeat_its_edge(jpeg: bytes) -> None:
    found = decode_frame(jpeg, WHOLE_CROP, 64, CROP_PX, 8).astype(int)
    assert found.shape == (80, 80, 3)
    assert np.abs(found[:, :8] - found[:, 8:9]).max() < 8
    assert np.abs(found[-8:] - found[-9:-8]).max() < 8
