from __future__ import annotations

import math

import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio
from skimage.util import random_noise

from pipelines.image_evaluation.picture_quality import (
    MOST_DB,
    ErrorSum,
    frame_psnrs,
    masked,
    psnr_of,
    region_mask,
    square_errors,
    ssim,
)

TRUE = data.astronaut()[:96, :96]
NOISY = (random_noise(TRUE, var=0.004, rng=0) * 255).round().astype(np.uint8)


def test_psnr_is_that_of_another_implementation() -> None:
    expected = peak_signal_noise_ratio(TRUE, NOISY, data_range=255)

    errors = square_errors(NOISY[None], TRUE[None])

    assert frame_psnrs(errors) == [pytest.approx(expected)]
    assert psnr_of(1.0) == pytest.approx(48.1308, abs=1e-4)
    assert psnr_of(0.0) == MOST_DB


def test_a_sum_of_errors_is_of_all_pixels_together() -> None:
    total, half = ErrorSum(), ErrorSum()
    total.add(np.full(10, 4.0))
    half.add(np.zeros((5, 2)))

    total.include(half)

    assert total.psnr_db == pytest.approx(10 * math.log10(255**2 / 2))
    assert ErrorSum().psnr_db is None


def test_ssim() -> None:
    assert ssim(TRUE, TRUE) == pytest.approx(1.0)
    assert ssim(TRUE, 255 - TRUE) < 0.1
    assert 0.3 < ssim(NOISY, TRUE) < 0.95
    # Constant pictures: (2 a b + c1) / (a^2 + b^2 + c1), after Wang et al., equation 13.
    one, other = np.full((32, 32, 3), 100, np.uint8), np.full((32, 32, 3), 150, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(one, other) == pytest.approx((2 * 100 * 150 + c1) / (100**2 + 150**2 + c1), abs=1e-6)


def test_masks_hold_the_pixels_whose_centres_are_inside() -> None:
    boxes = np.array([[0.0, 0.0, 0.5, 0.25], [np.nan] * 4, [0.8, 0.8, 1.0, 1.0]], np.float32)

    mask = region_mask(boxes, 8)

    assert mask[:2, :4].all()
    assert mask.sum() == 8 + 4  # centres 6.5 and 7.5 of 8 lie beyond 6.4
    assert not region_mask(boxes[1:2], 8).any()


def test_errors_of_regions() -> None:
    errors = np.arange(2 * 16, dtype=float).reshape(2, 4, 4)
    boxes = np.array([[[0, 0, 0.25, 0.25]], [[0, 0, 0.5, 0.25]]], np.float32)

    assert [region.tolist() for region in masked(errors, boxes, [1, 0])] == [[16.0, 17.0], [0.0]]
