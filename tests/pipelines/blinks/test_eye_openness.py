from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pipelines.blinks.eye_openness import eye_openness
from pipelines.face_model.landmark_points import LEFT_LID_PAIRS, RIGHT_LID_PAIRS
from tests.factories.face_models import small_face_model


def test_it_is_the_height_of_the_lids_of_the_face() -> None:
    model = small_face_model()
    beta = np.random.default_rng(0).normal(size=(5, 64)) * model.expression_stddevs

    faces = model.shape(np.zeros(len(model.identity_stddevs)), beta)[:, model.landmark_vertices]
    row = {int(point): place for place, point in enumerate(model.landmarks)}
    heights = [faces[:, row[upper], 1] - faces[:, row[lower], 1] for upper, lower in (*RIGHT_LID_PAIRS, *LEFT_LID_PAIRS)]

    np.testing.assert_allclose(eye_openness(model).curve(beta), np.mean(heights, axis=0), atol=1e-5)


def test_a_model_without_lids_is_refused() -> None:
    model = small_face_model()
    few = dataclasses.replace(
        model, landmarks=model.landmarks[:100], landmark_vertices=model.landmark_vertices[:100], pose_weights=model.pose_weights[:100]
    )

    with pytest.raises(ValueError, match="lacks the lid landmarks"):
        eye_openness(few)
