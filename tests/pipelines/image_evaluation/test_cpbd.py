from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage import data
from skimage.feature import canny

from pipelines.image_evaluation.cpbd import BLOCK_PX, cpbd, luma
from pipelines.image_evaluation.edge_blocks import blocks_with_edges
from pipelines.image_evaluation.plain_cpbd import plain_cpbd


def test_the_value_of_the_reference_implementation() -> None:
    # python-cpbd 1.0.7, its import of SciPy mended, gives 0.7482 for this picture.
    assert cpbd(data.camera()) == pytest.approx(0.7482, abs=5e-5)


def test_blur_lowers_it() -> None:
    values = [cpbd(gaussian_filter(data.camera(), sigma)) for sigma in (0.5, 1.0, 2.0)]

    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.05


def test_without_edges_it_is_nothing() -> None:
    assert cpbd(np.full((128, 128), 90, np.uint8)) == 0.0
    assert cpbd(data.camera()[:40, :40]) == 0.0  # no whole block


def test_a_sharp_and_a_wide_edge() -> None:
    sharp = np.zeros((128, 128), np.uint8)
    sharp[:, 32:96] = 200
    sharp[:, 31] = sharp[:, 96] = 120  # the strongest gradient is to be in one column
    wide = np.repeat(np.clip(np.linspace(-200, 600, 128), 0, 200)[None], 128, axis=0).astype(np.uint8)

    assert cpbd(sharp) == 1.0
    assert cpbd(wide) == 0.0


def test_grey_of_colours() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [80, 80, 80]]], np.uint8)

    assert luma(colours).tolist() == [[76, 150, 29, 80]]


@lru_cache(maxsize=1)
def odd_pictures() -> list[NDArray[np.uint8]]:
    """Return pictures with textures, gradients, plateaus, noise, borders of blocks, and blocks with a handful of edges."""
    random = np.random.default_rng(0)
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None], 200, axis=0)
    box = np.zeros((128, 128), np.uint8)
    box[:, 32:96] = 200
    speck = box.copy()
    speck[40:44, 40:42] = 1
    dots = [np.zeros((192, 192), np.uint8) for _ in range(12)]
    for picture in dots:
        for _ in range(random.integers(1, 5)):
            place = tuple(int(value) for value in random.integers(0, 192, 2))
            cv2.circle(picture, place, int(random.integers(0, 8)), int(random.integers(1, 255)), -1)
    blurred = [gaussian_filter(data.camera(), sigma) for sigma in (0.5, 2.0, 8.0)]
    noise = [random.integers(low, high, (200, 300)).astype(np.uint8) for low, high in ((0, 256), (100, 103))]
    return [data.camera(), data.coins(), data.page(), luma(data.astronaut()), ramp, ramp.T.copy(), ramp // 8 * 8, box, box.T.copy(), speck,
            np.full((128, 130), 90, np.uint8), *dots, *blurred, *noise]  # fmt: skip


@pytest.mark.parametrize("number", range(len(odd_pictures())))
def test_it_is_the_value_of_the_definition_to_the_last_digit(number: int) -> None:
    picture = odd_pictures()[number]

    assert cpbd(picture) == plain_cpbd(picture)


@pytest.mark.parametrize("more_than", [8.192, 20.0, 300.0])
def test_blocks_have_edges_where_canny_sees_them(more_than: float) -> None:
    found = []
    for picture in odd_pictures():
        rows, columns = (side // BLOCK_PX for side in picture.shape)
        edges = canny(picture.astype(float))[: rows * BLOCK_PX, : columns * BLOCK_PX]
        count = edges.reshape(rows, BLOCK_PX, columns, BLOCK_PX).sum(axis=(1, 3))
        assert blocks_with_edges(picture, BLOCK_PX, more_than).tolist() == (count > more_than).tolist()
        found += (count > more_than).ravel().tolist()

    assert 0 < sum(found) < len(found)
