from __future__ import annotations

import numpy as np
import pytest

from pipelines.blinks.fitting import fit_blinks
from pipelines.blinks.model import SHAPE_CENTRE
from tests.factories.coefficient_models import BLINK_CURVE, blink_model, blinking_clip, openness_measure


def test_rate_shape_and_direction_are_learned() -> None:
    model = blink_model()

    assert model.blinks == 30
    assert model.rate_per_minute == pytest.approx(30 * 60 / 80, rel=1e-6)
    np.testing.assert_allclose(model.shapes.mean(axis=0)[SHAPE_CENTRE - 1 : SHAPE_CENTRE + 3], BLINK_CURVE, atol=0.12)
    np.testing.assert_allclose(model.openness.weights @ model.direction, -1, atol=1e-9)
    others = np.delete(model.direction, [3, 4, 10])
    assert np.abs(others).max() < 0.05 * abs(model.direction[3])
    assert model.direction[10] == pytest.approx(0.3 / 0.08, rel=0.1)


def test_hardly_any_blinks_give_no_model() -> None:
    assert fit_blinks([blinking_clip(100, (20,)), blinking_clip(100, ())], openness_measure()) is None


def test_frames_that_were_not_seen_are_left_out() -> None:
    clips = [blinking_clip(200, (20, 100, 170), seed) for seed in range(4)]
    for clip in clips:
        clip.usable[90:110] = False
    model = fit_blinks(clips, openness_measure())

    assert model is not None
    assert model.blinks == 8
