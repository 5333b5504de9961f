from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from pipelines.coefficient_evaluation.model_likelihoods import clip_latents, free_sample_outliers, modelled_values, nll_per_dimension
from pipelines.coefficient_evaluation.outliers import typical_region
from tests.factories.coefficient_models import blink_model, blinking_clip, expression_model
from tests.factories.evaluation_clips import held_out_clips, train_clips


def test_the_likelihood_is_that_of_the_latents_and_the_determinant() -> None:
    model = expression_model(has_audio=False, has_source=False, latent="gaussian", latent_mean_scale=0.0)
    clips = held_out_clips()[:2]
    with torch.no_grad():  # an identity up to the units
        for parameter in model.flow.parameters():
            parameter.zero_()
    frames = np.concatenate([clip.beta for clip in clips])
    latents = np.concatenate([clip_latents(model, clip) for clip in clips])

    found = nll_per_dimension(model, clips)

    stretch = np.log(np.abs(latents / (frames / 0.5))).mean()  # of the couplings' sigmoid(2), frame by frame the same
    assert found == pytest.approx((latents**2).mean() / 2 + np.log(2 * np.pi) / 2 - stretch, rel=1e-4)


def test_hiding_the_past_changes_the_likelihood() -> None:
    model, clips = expression_model(), held_out_clips()

    assert nll_per_dimension(model, clips) != nll_per_dimension(model, clips, with_past=False)


def test_frames_that_are_not_usable_do_not_count() -> None:
    model, clip = expression_model(), held_out_clips()[0]
    spoiled = dataclasses.replace(clip, beta=clip.beta.copy(), usable=clip.usable.copy())
    spoiled.beta[-1] = 100
    spoiled.usable[-1] = False
    shorter = dataclasses.replace(clip, usable=np.arange(clip.frames) < clip.frames - 1)

    assert nll_per_dimension(model, [spoiled]) == pytest.approx(nll_per_dimension(model, [shorter]), rel=1e-5)


def test_samples_of_a_wider_model_are_outliers_and_broken_ones_count() -> None:
    model = expression_model()
    clips = held_out_clips()
    region = typical_region(np.concatenate([clip.beta for clip in train_clips()]))

    assert free_sample_outliers(model, clips, region, 0) == free_sample_outliers(model, clips, region, 0)
    with torch.no_grad():
        model.flow.scale.fill_(30)
    assert free_sample_outliers(model, clips, region, 0) == 1
    with torch.no_grad():
        model.flow.scale.fill_(float("nan"))
    assert free_sample_outliers(model, clips, region, 0) == 1


def test_blinks_are_not_modelled() -> None:
    clip = blinking_clip(100, (40,))
    model = expression_model(blinks=blink_model())

    assert np.abs(modelled_values(model, clip) - clip.beta)[38:44].max() > 0.5
    assert modelled_values(expression_model(), clip) is clip.beta
