from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from pipelines.dataset.face_model_store import face_model_folder
from pipelines.rendering.frame_generator import FrameGenerator
from pipelines.rendering.run_loading import load_rendering_model
from pipelines.training.images.run_loading import load_image_generator
from storage_schemas.errors import BadInputError
from tests.factories.image_runs import ImageStore, store_with_image_runs


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    return store_with_image_runs(tmp_path_factory.mktemp("store"))


def test_a_run_is_loaded_with_its_face_model(trained: ImageStore) -> None:
    model = load_rendering_model(trained.store, "vqig/latest")

    assert model.run_id == f"vqig/{trained.generator}"
    assert model.face_model is not None
    assert model.face_model.model_id == model.lineage["face_model"]
    assert model.lineage["dataset"] == trained.version
    assert model.lineage["codebook"] == trained.codebook
    assert (model.size_px, model.field_size_px) == (32, 16)


def test_faces_are_placed_as_in_the_training_clips(trained: ImageStore) -> None:
    loaded = load_image_generator(trained.store, "vqig/latest")

    place = load_rendering_model(trained.store, "vqig/latest").place

    expected = loaded.statistics["mean"][67:]
    assert torch.allclose(torch.tensor([place.x, place.y, place.scale]), expected)
    # The window of the training: a number of inter-ocular distances wide, its centre below the eyes.
    assert place.scale == pytest.approx(1 / loaded.settings.window_iods, rel=0.15)
    assert place.y > 0


def test_a_loaded_run_can_be_rendered_with(trained: ImageStore) -> None:
    FrameGenerator(load_rendering_model(trained.store, f"vqig/{trained.generator[:6]}"))


def test_what_is_not_there_is_named(trained: ImageStore, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="0 finished runs 'vqig/ffff'"):
        load_rendering_model(trained.store, "vqig/ffff")
    model_id = load_image_generator(trained.store, "vqig/latest").card.face_model
    folder = trained.folder / face_model_folder(model_id)
    shutil.move(folder, tmp_path / "away")
    try:
        with pytest.raises(BadInputError, match=f"has no face model {model_id}"):
            load_rendering_model(trained.store, "vqig/latest")
    finally:
        shutil.move(tmp_path / "away", folder)
