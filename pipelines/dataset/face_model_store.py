"""Face models in a store: publishing, finding by name or by what they were learned from, and which one builds take."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from pipelines.face_model.basis import FaceModel, face_model_bytes, read_face_model
from pipelines.face_model.learning_settings import LEARNING_VERSION, LearningSettings
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.face_models import (
    CURRENT_FACE_MODEL,
    FACE_MODEL_CARD_FILE,
    FACE_MODEL_FILE,
    FACE_MODELS_FOLDER,
    CurrentFaceModel,
    FaceModelCard,
)
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.store_trouble import store_trouble

_ID = re.compile(r"[a-z]+-[0-9a-f]{16}")


def face_model_folder(model_id: str) -> str:
    """Return the folder of a face model relative to the store."""
    return f"{FACE_MODELS_FOLDER}/{model_id}"


def face_model_ids(store: ObjectStore) -> list[str]:
    """Return the sorted ids of the face models of a store; folders without a card are none."""
    names = [name for name in store.list_folders(FACE_MODELS_FOLDER) if _ID.fullmatch(name)]
    return [name for name in sorted(names) if store.exists(_card_path(name))]


def read_card(store: ObjectStore, model_id: str) -> FaceModelCard:
    """Return the card of a face model.

    Raises:
        FileNotFoundError: the model is not there.
        StoreError: its card is damaged.
    """
    data = store.read_bytes(_card_path(model_id))
    try:
        return FaceModelCard.model_validate_json(data)
    except ValidationError as error:
        msg = f"{store.uri}/{_card_path(model_id)}: expected the card of a face model, found {error.error_count()} wrong fields; restore it"
        raise StoreError(msg) from error


def resolve_face_model(store: ObjectStore, name: str) -> str:
    """Return the id of the model that an id, the beginning of one (with or without its source), or ``current`` names.

    Raises:
        BadInputError: none or several are meant.
    """
    ids = face_model_ids(store)
    if name == "current":
        name = current_face_model(store)
    found = [model_id for model_id in ids if name and (model_id.startswith(name) or model_id.partition("-")[2].startswith(name))]
    if len(found) == 1:
        return found[0]
    known = f"it has {', '.join(ids[:5])}" if ids else "it has none yet; a build makes one"
    what = f"{len(found)} face models whose ids begin with" if found else "no face model"
    raise BadInputError(f"{store.uri} has {what} {name!r}; {known}")


def current_face_model(store: ObjectStore) -> str:
    """Return the id of the store's current model; empty if there is none."""
    try:
        return CurrentFaceModel.model_validate_json(store.read_bytes(CURRENT_FACE_MODEL)).face_model
    except FileNotFoundError:
        return ""
    except ValidationError as error:
        msg = f"{store.uri}/{CURRENT_FACE_MODEL}: expected the name of a face model; remove the file"
        raise StoreError(msg) from error


def set_current_face_model(store: ObjectStore, model_id: str) -> None:
    """Make a model the one that builds reuse."""
    if current_face_model(store) != model_id:
        store.write_bytes(CURRENT_FACE_MODEL, orjson.dumps(CurrentFaceModel(face_model=model_id).model_dump()))


def reusable_face_model(store: ObjectStore, settings: LearningSettings) -> str:
    """Return the current model if it was learned with these settings by this version of the code; empty otherwise."""
    model_id = current_face_model(store)
    if not model_id:
        return ""
    try:
        card = read_card(store, model_id)
    except FileNotFoundError:
        return ""
    same = card.settings == settings.model_dump(mode="json") and card.learning_version == LEARNING_VERSION
    return model_id if same else ""


def face_model_of_recipe(store: ObjectStore, recipe: str) -> str:
    """Return the model that was learned by a recipe; empty if there is none."""
    return next((model_id for model_id in face_model_ids(store) if read_card(store, model_id).recipe == recipe), "")


def publish_face_model(store: ObjectStore, model: FaceModel, facts: dict[str, Any]) -> FaceModelCard:
    """Write a face model and, last, its card; a model that is there already stays as it is.

    Args:
        store: where it goes.
        model: a learned one.
        facts: the fields of the card that the model does not know: recipe, parents, software and held_out_error_percent_iod.

    Raises:
        StoreError: the store cannot be written.
    """
    data = face_model_bytes(model)
    meta = {name: model.meta[name] for name in ("learning_version", "settings", "frames", "frames_left_out", "speakers")}
    card = FaceModelCard(
        face_model=model.model_id,
        expression_variance_64=model.meta["expression_variance_64"],
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        **meta,
        **facts,
    )
    scratch = store.scratch_folder()
    try:
        folder = scratch / "face_model"
        with store_trouble("write", folder):
            folder.mkdir()
            (folder / FACE_MODEL_FILE).write_bytes(data)
            card_json = orjson.dumps(card.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
            (folder / FACE_MODEL_CARD_FILE).write_bytes(card_json)
        store.publish_folder(folder, face_model_folder(model.model_id), FACE_MODEL_CARD_FILE)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return read_card(store, model.model_id)


def fetch_face_model(store: ObjectStore, model_id: str, folder: Path) -> Path:
    """Copy a model into a folder as ``<id>.safetensors`` and return the path.

    Raises:
        FileNotFoundError: the model is not there.
        StoreError: its content does not have the hash that its id is.
    """
    path = folder / f"{model_id}.safetensors"
    data = store.read_bytes(f"{face_model_folder(model_id)}/{FACE_MODEL_FILE}")
    with store_trouble("write", path):
        path.write_bytes(data)
    problem = face_model_problem(path, model_id)
    if problem:
        raise StoreError(f"{store.uri}/{face_model_folder(model_id)}/{FACE_MODEL_FILE} {problem}; remove the folder and build again")
    return path


def face_model_problem(path: Path, model_id: str) -> str:
    """Say what is wrong with a copy of a model; empty: nothing."""
    try:
        found = read_face_model(path).model_id
    except BadInputError as error:
        return f"is no face model: {error}"
    return "" if found == model_id else f"should hold model {model_id}, it holds {found}"


def unnamed_face_models(store: ObjectStore, named: Iterable[str]) -> list[str]:
    """Return the folders of models that are neither among those named nor the current one."""
    kept = {*named, current_face_model(store)}
    return [face_model_folder(name) for name in sorted(store.list_folders(FACE_MODELS_FOLDER)) if name not in kept]


def _card_path(model_id: str) -> str:
    return f"{face_model_folder(model_id)}/{FACE_MODEL_CARD_FILE}"
