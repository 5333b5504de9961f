from __future__ import annotations

import numpy as np
import pytest

from pipelines.face_model.accumulation import ExpressionSums
from pipelines.face_model.alignment import STEPS_PER_UNIT, ShapeAligner
from pipelines.face_model.held_out import held_out_error_percent_iod
from pipelines.face_model.learning import ExpressionPass, ShapePass, speaker_bases
from pipelines.face_model.learning_settings import LearningSettings
from tests.factories.face_landmarks import invented_clip

SETTINGS = LearningSettings()


def _landmarks(seed: int) -> np.ndarray:
    return invented_clip(100, seed, noise=0.001).landmarks_px


def test_the_error_is_that_of_the_frames_themselves() -> None:
    shapes = ShapePass(SETTINGS)
    for seed in range(4):
        shapes.add(_landmarks(seed), "S")
    bases = speaker_bases(shapes.sums)
    learned, held_out = ExpressionPass(bases, SETTINGS), ExpressionPass(bases, SETTINGS)
    for seed in range(3):
        learned.add(_landmarks(seed), "S")
    held_out.add(_landmarks(3), "S")
    found = held_out_error_percent_iod(learned.sums, held_out.sums, SETTINGS)

    rows = (
        ShapeAligner(bases["S"], SETTINGS.depth_weight, np.deg2rad(SETTINGS.largest_angle_deg)).align(_landmarks(3)).steps / STEPS_PER_UNIT
    )
    rows -= rows.mean(axis=0)
    scales = np.tile(np.sqrt([1, 1, SETTINGS.depth_weight]), 478)
    modes = np.linalg.eigh(learned.sums.covariance() * scales[:, None] * scales)[1][:, -64:]
    missed = (rows * scales - rows * scales @ modes @ modes.T) / scales
    direct = np.sqrt((missed.reshape(-1, 478, 3)[..., :2] ** 2).sum(axis=-1).mean()) * 100
    assert found == pytest.approx(direct, abs=1e-4)
    assert 0 < found < 1


def test_too_few_frames_give_no_error() -> None:
    assert held_out_error_percent_iod(ExpressionSums(), ExpressionSums(), SETTINGS) is None
