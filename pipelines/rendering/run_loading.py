"""From a finished training run to a generator that frames can be made with."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pipelines.dataset.face_model_store import fetch_face_model
from pipelines.face_model.basis import FaceModel, read_face_model
from pipelines.rendering.rendering_model import RenderingModel
from pipelines.training.images.run_loading import LoadedGenerator, load_image_generator
from storage_schemas.errors import BadInputError
from storage_schemas.object_store_protocol import ObjectStore


def load_rendering_model(store: ObjectStore, name: str) -> RenderingModel:
    """Return a trained generator with its face model.

    Args:
        store: where they are.
        name: such as vqig/latest or vqig/3f2a.

    Raises:
        BadInputError: there is no such run, or its face model or codebook is gone.
        StoreError: something is damaged.
    """
    loaded = load_image_generator(store, name)
    return rendering_model(loaded, _face_model(store, loaded.card.face_model))


def rendering_model(loaded: LoadedGenerator, face_model: FaceModel) -> RenderingModel:
    """Return what rendering needs of a loaded run."""
    card = loaded.card
    return RenderingModel(
        run_id=f"{card.kind.value}/{card.run_id}",
        generator=loaded.generator,
        face_model=face_model,
        lineage={
            "dataset": card.dataset, "face_model": card.face_model, "codebook": card.codebook,
            "weights_sha256": card.weights_sha256, "code": card.code_version,
        },
    )  # fmt: skip


def _face_model(store: ObjectStore, model_id: str) -> FaceModel:
    with tempfile.TemporaryDirectory(prefix="flowvqtalker-face-model-") as folder:
        try:
            return read_face_model(fetch_face_model(store, model_id, Path(folder)))
        except FileNotFoundError as error:
            raise BadInputError(f"{store.uri} has no face model {model_id}, with which the run was trained; copy it there") from error
