from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from pipelines.image_evaluation.cpbd import cpbd, luma


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
