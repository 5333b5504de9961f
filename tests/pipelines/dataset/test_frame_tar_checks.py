from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipelines.dataset.frame_tar_checks import jpeg_size
from tests.factories.dataset_parts import jpeg


@pytest.mark.parametrize("parameters", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 4]])
def test_size_of_a_jpeg(parameters: list[int]) -> None:
    encoded = cv2.imencode(".jpg", np.zeros((48, 80, 3), np.uint8), parameters)[1].tobytes()
    assert jpeg_size(encoded) == (80, 48)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n" + bytes(30), b"\xff\xd8" + b"\xff" * 50])
def test_what_is_no_jpeg_has_no_size(data: bytes) -> None:
    assert jpeg_size(data) is None


def test_every_truncation_is_survived() -> None:
    data = jpeg(0)
    assert {jpeg_size(data[:length]) for length in range(len(data))} == {None, (64, 64)}
