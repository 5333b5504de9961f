from __future__ import annotations

import numpy as np
import pytest

from pipelines.image_evaluation import evaluation
from pipelines.image_evaluation.evaluation import evaluate_images, load_inputs
from pipelines.image_evaluation.figure_list import FIGURES
from pipelines.image_evaluation.held_out_clips import ClipChoice
from pipelines.rendering.frame_generator import RenderSettings
from storage_schemas.errors import BadInputError
from tests.factories.image_runs import ImageStore, store_with_image_runs

CHOICE = ClipChoice("train", 2, 5)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    return store_with_image_runs(tmp_path_factory.mktemp("store"))


def test_a_run_is_evaluated_on_clips_of_a_version(trained: ImageStore) -> None:
    steps: list[tuple[int, int]] = []
    inputs = load_inputs(trained.store, "vqig/latest", trained.version, CHOICE, RenderSettings())

    report = evaluate_images(inputs, lambda done, total: steps.append((done, total)))

    assert steps == [(1, 2), (2, 2)]
    assert (report.model, report.variant, report.dataset) == (f"vqig/{trained.generator}", "full", trained.version)
    assert list(report.figures) == list(FIGURES)
    assert [clip.frames for clip in report.clips] == [5, 5]
    # The landmarks of this version are invented: eyes and mouth may lie nowhere.
    assert all(value is not None for name, value in report.figures.items() if "eyes" not in name and "mouth" not in name)
    assert report.as_json()["psnr_db"] == report.figures["psnr_db"]
    # All frames together lie between the clips.
    values = [clip.psnr_db for clip in report.clips if clip.psnr_db is not None]
    assert min(values) <= (report.figures["psnr_db"] or np.nan) <= max(values)


def test_the_same_frames_give_the_same_figures(trained: ImageStore) -> None:
    inputs = load_inputs(trained.store, "vqig/latest", trained.version, CHOICE, RenderSettings())

    one, other = (evaluate_images(inputs).figures for _ in range(2))

    assert {**one, "ms_per_frame": 0.0} == {**other, "ms_per_frame": 0.0}


def test_a_version_with_another_face_model_is_refused(trained: ImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_model(store: object, name: str) -> object:
        model = original(store, name)
        model.lineage["face_model"] = "learned-0123456789abcdef"
        return model

    original = evaluation.load_rendering_model
    monkeypatch.setattr(evaluation, "load_rendering_model", other_model)

    with pytest.raises(BadInputError, match="trained on coefficients of face model learned-0123456789abcdef"):
        load_inputs(trained.store, "vqig/latest", trained.version, CHOICE, RenderSettings())
