"""From the specification of a build to the settings of learning and fitting."""

from __future__ import annotations

from pipelines.face_model.fitting import FitSettings
from pipelines.face_model.learning_settings import LearningSettings
from storage_schemas.build_spec import FaceModelSettings


def learning_settings(settings: FaceModelSettings) -> LearningSettings:
    """Return the part of the settings that decides a learned model."""
    return LearningSettings(**settings.model_dump(include=set(LearningSettings.model_fields)))


def fit_settings(settings: FaceModelSettings) -> FitSettings:
    """Return the part of the settings that decides the coefficients of a clip, given the model."""
    return FitSettings(**settings.model_dump(include=set(FitSettings.model_fields)))
