from __future__ import annotations

import numpy as np
import pytest

from pipelines.image_evaluation.picture_quality import MOST_DB, psnr_of
from pipelines.image_evaluation.reenactment import PictureFigures, reconstructed, reenact, sharpness, warped_portraits
from pipelines.rendering.frame_generator import FrameGenerator
from tests.factories.held_out_clips import constant_pictures, held_out_clip
from tests.factories.image_models import SIZE_PX
from tests.factories.rendering_models import small_rendering_model

GENERATOR = FrameGenerator(small_rendering_model())


def test_chosen_frames_are_made_as_in_the_whole_clip() -> None:
    clip = held_out_clip()
    whole = reenact(GENERATOR, clip)

    some = reenact(GENERATOR, held_out_clip(rows=np.array([1, 4])))

    assert whole.made.shape == clip.pictures.shape
    assert whole.seconds > 0
    assert np.abs(some.made.astype(int) - whole.made[[1, 4]]).max() <= 1


def test_the_warped_portrait_of_the_portrait_s_own_frame_is_the_portrait() -> None:
    clip = held_out_clip(portrait_row=2)
    generator = FrameGenerator(small_rendering_model())

    (warped,) = warped_portraits(generator, clip, np.array([2]))

    # The learned part of the motion is zero before training, and the face model's is for a face that stays.
    assert np.abs(warped.astype(int) - clip.portrait).max() <= 1


def test_the_codebook_s_reconstruction() -> None:
    clip = held_out_clip()

    assert reconstructed(GENERATOR, clip.pictures).shape == clip.pictures.shape


def test_equal_pictures_have_the_best_figures() -> None:
    clip = held_out_clip()

    figures = PictureFigures.of(clip.pictures, clip).figures()

    assert figures["ssim"] == 1.0
    assert {value for name, value in figures.items() if name != "ssim"} == {MOST_DB}


def test_figures_are_of_the_regions_and_frames_that_they_name() -> None:
    clip = held_out_clip(pictures=constant_pictures(6, 100))
    made = constant_pictures(6, 100)
    made[1, :, :, :] = 110  # closed eyes
    made[2, SIZE_PX // 2 :] = 120  # open mouth, in the lower half

    figures = PictureFigures.of(made, clip, similarity=False).figures("made_")

    assert figures["made_closed_eyes_psnr_db"] == pytest.approx(psnr_of(100.0), abs=1e-3)
    assert figures["made_open_mouth_psnr_db"] == pytest.approx(psnr_of(400.0), abs=1e-3)
    assert figures["made_psnr_db"] == pytest.approx(psnr_of((100 + 200) / 6), abs=1e-3)
    assert figures["made_ssim"] is None


def test_figures_of_clips_add_up() -> None:
    clip = held_out_clip(pictures=constant_pictures(6, 100))
    total = PictureFigures()
    for value in (110, 120):
        total.include(PictureFigures.of(constant_pictures(6, value), clip))

    figures = total.figures()

    assert figures["psnr_db"] == pytest.approx(psnr_of(250.0), abs=1e-3)
    assert figures["frame_psnr_db"] == pytest.approx((psnr_of(100.0) + psnr_of(400.0)) / 2, abs=1e-3)


def test_without_closed_eyes_there_is_no_figure_of_them() -> None:
    clip = held_out_clip(closed=np.zeros(6, bool))

    assert PictureFigures.of(clip.pictures, clip).figures()["closed_eyes_psnr_db"] is None
    assert PictureFigures().figures()["ssim"] is None


def test_sharpness_is_of_every_fourth_picture() -> None:
    assert len(sharpness(held_out_clip().pictures)) == 2
