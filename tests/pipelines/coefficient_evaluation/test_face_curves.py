from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pipelines.coefficient_evaluation.face_curves import height_between, mouth_opening_curve
from pipelines.face_model.landmark_points import mouth_opening
from storage_schemas.errors import BadInputError
from tests.factories.face_models import small_face_model


def test_the_curve_is_the_distance_of_the_model_s_landmarks() -> None:
    model = small_face_model()
    beta = np.random.default_rng(0).standard_normal((200, 64)) * model.expression_stddevs * 0.5
    points = model.shape(np.zeros(len(model.identity_stddevs)), beta)[:, np.argsort(model.landmarks)]

    assert np.corrcoef(mouth_opening_curve(model).of(beta), mouth_opening(points))[0, 1] > 0.95


def test_the_mean_face_has_the_offset() -> None:
    model = small_face_model()
    curve = mouth_opening_curve(model)

    assert curve.of(np.zeros((2, 3, 64))).shape == (2, 3)
    assert curve.of(np.zeros((1, 64)))[0] == curve.offset == pytest.approx(float(model.mean[13, 1] - model.mean[14, 1]))


def test_a_model_without_the_points_is_refused() -> None:
    model = small_face_model()
    part = dataclasses.replace(
        model, landmarks=model.landmarks[:10], landmark_vertices=model.landmark_vertices[:10], pose_weights=model.pose_weights[:10]
    )

    with pytest.raises(BadInputError, match=r"no vertex for landmarks \[13, 14\]"):
        height_between(part, ((13, 14), (0, 1)))
