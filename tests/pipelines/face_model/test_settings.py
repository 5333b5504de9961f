from __future__ import annotations

from pipelines.face_model.fitting import FitSettings
from pipelines.face_model.learning_settings import LearningSettings
from pipelines.face_model.settings import fit_settings, learning_settings
from storage_schemas.build_spec import FaceModelSettings


def test_a_specification_has_the_defaults_of_learning_and_fitting() -> None:
    assert learning_settings(FaceModelSettings()) == LearningSettings()
    assert fit_settings(FaceModelSettings()) == FitSettings()


def test_settings_are_passed_on() -> None:
    settings = FaceModelSettings(depth_weight=0.3, frames_per_clip=9, pose_smoothing=0.0)
    assert (learning_settings(settings).depth_weight, learning_settings(settings).frames_per_clip) == (0.3, 9)
    assert (fit_settings(settings).depth_weight, fit_settings(settings).pose_smoothing) == (0.3, 0.0)
