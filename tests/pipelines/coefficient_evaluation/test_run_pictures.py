from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings
from pipelines.coefficient_evaluation.run_evaluation import EvaluationInputs
from pipelines.coefficient_evaluation.run_pictures import draw_run_pictures
from pipelines.generation.generator import CoefficientGenerator
from pipelines.training.version_sequences import VersionSequences
from storage_schemas.errors import BadInputError
from tests.factories.coefficient_models import expression_model, pose_model
from tests.factories.evaluation_clips import held_out_clips, train_clips, yardstick


def inputs(*, poses: bool) -> EvaluationInputs:
    generator = CoefficientGenerator(expression_model(), pose_model() if poses else None)
    nowhere = cast("VersionSequences", None)  # pictures need no more than what was read
    return EvaluationInputs(generator, nowhere, train_clips()[:4], held_out_clips(), yardstick())


def test_pictures_of_two_models(tmp_path: Path) -> None:
    other = expression_model(1, latent="gaussian")
    files = draw_run_pictures(tmp_path, inputs(poses=True), [other], EvaluationSettings(seeds=2))

    assert [path.name for path in files] == ["latent-space-pca.png", "latent-space-tsne.png", "samples.png", "poses.png"]
    assert all(path.stat().st_size > 1000 for path in files)


def test_without_a_pose_flow_there_is_no_picture_of_poses(tmp_path: Path) -> None:
    files = draw_run_pictures(tmp_path, inputs(poses=False), settings=EvaluationSettings(seeds=2), clip_id="happy/10")

    assert "poses.png" not in [path.name for path in files]


def test_an_unknown_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no held-out clip 'x'"):
        draw_run_pictures(tmp_path, inputs(poses=False), clip_id="x")
