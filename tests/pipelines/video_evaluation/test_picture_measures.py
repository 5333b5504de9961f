from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pipelines.video_evaluation.picture_measures import MOST_DB, psnr_db, ssim

FACE = cv2.resize(data.astronaut(), (128, 128), interpolation=cv2.INTER_AREA)


def noisy(deviation: float) -> NDArray[np.uint8]:
    noise = np.random.default_rng(3).normal(0, deviation, FACE.shape)
    return np.clip(np.rint(FACE + noise), 0, 255).astype(np.uint8)


def test_equal_pictures_have_the_best_values_and_psnr_a_stated_one() -> None:
    assert ssim(FACE, FACE) == 1.0
    assert psnr_db(FACE, FACE) == MOST_DB == 100.0


@pytest.mark.parametrize("deviation", [1.0, 10.0, 60.0])
def test_values_are_those_of_scikit_image(deviation: float) -> None:
    made = noisy(deviation)

    assert ssim(made, FACE) == pytest.approx(structural_similarity(made, FACE, channel_axis=-1, data_range=255), abs=1e-12)
    assert psnr_db(made, FACE) == pytest.approx(peak_signal_noise_ratio(FACE, made, data_range=255), abs=1e-12)


def test_black_against_white_is_the_worst() -> None:
    black, white = np.zeros_like(FACE), np.full_like(FACE, 255)

    assert psnr_db(black, white) == 0.0
    assert ssim(black, white) < 1e-3


def test_more_noise_is_worse_at_every_step() -> None:
    steps = [noisy(deviation) for deviation in (0, 2, 5, 10, 20, 40)]

    assert (np.diff([ssim(made, FACE) for made in steps]) < 0).all()
    assert (np.diff([psnr_db(made, FACE) for made in steps]) < 0).all()
