from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.managed_store import ManagedStore
from pipelines.dataset.face_model_store import (
    current_face_model,
    face_model_folder,
    face_model_ids,
    face_model_of_recipe,
    fetch_face_model,
    publish_face_model,
    read_card,
    resolve_face_model,
    reusable_face_model,
    set_current_face_model,
    unnamed_face_models,
)
from pipelines.face_model.learning_settings import LearningSettings
from storage_schemas.errors import BadInputError, StoreError
from tests.factories.dataset_versions import local_store
from tests.factories.face_models import small_face_model

FACTS: dict[str, Any] = {"recipe": "ab" * 32, "parents": ["p"], "software": {"numpy": "1"}, "held_out_error_percent_iod": 0.1}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ManagedStore]:
    with local_store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def model_id(store: ManagedStore) -> str:
    return publish_face_model(store, small_face_model(), FACTS).face_model


def test_a_model_comes_back_with_its_card(store: ManagedStore, model_id: str, tmp_path: Path) -> None:
    assert face_model_ids(store) == [model_id] == [small_face_model().model_id]
    card = read_card(store, model_id)
    assert (card.frames, card.speakers, card.recipe, card.parents) == (450, 3, "ab" * 32, ["p"])
    assert fetch_face_model(store, model_id, tmp_path).stat().st_size == card.size_bytes
    assert publish_face_model(store, small_face_model(), FACTS | {"recipe": "cd" * 32}) == card


def test_models_are_found_by_id_beginning_recipe_and_current(store: ManagedStore, model_id: str) -> None:
    with pytest.raises(BadInputError, match="no face model"):
        resolve_face_model(store, "current")
    set_current_face_model(store, model_id)
    digits = model_id.partition("-")[2]
    assert {resolve_face_model(store, name) for name in (model_id, model_id[:12], digits[:4], "current")} == {model_id}
    assert face_model_of_recipe(store, "ab" * 32) == model_id
    assert face_model_of_recipe(store, "00" * 32) == ""
    with pytest.raises(BadInputError, match=f"no face model 'nonesuch'; it has {model_id}"):
        resolve_face_model(store, "nonesuch")


def test_the_current_model_is_reused_with_equal_settings_only(store: ManagedStore, model_id: str) -> None:
    assert current_face_model(store) == reusable_face_model(store, LearningSettings()) == ""
    set_current_face_model(store, model_id)
    assert reusable_face_model(store, LearningSettings()) == model_id
    assert reusable_face_model(store, LearningSettings(depth_weight=0.2)) == ""
    store.delete_folder(face_model_folder(model_id))
    assert reusable_face_model(store, LearningSettings()) == ""


def test_models_that_nobody_names_are_listed(store: ManagedStore, model_id: str) -> None:
    assert unnamed_face_models(store, []) == [face_model_folder(model_id)]
    assert unnamed_face_models(store, [model_id]) == []
    set_current_face_model(store, model_id)
    assert unnamed_face_models(store, []) == []


def test_damage_is_named(store: ManagedStore, model_id: str, tmp_path: Path) -> None:
    store.write_bytes(f"{face_model_folder(model_id)}/model.safetensors", b"not a model")
    with pytest.raises(StoreError, match="is no face model"):
        fetch_face_model(store, model_id, tmp_path)
    store.write_bytes(f"{face_model_folder(model_id)}/card.json", b"{}")
    with pytest.raises(StoreError, match="expected the card of a face model"):
        read_card(store, model_id)
    store.write_bytes("face_models/current.json", b"[]")
    with pytest.raises(StoreError, match="expected the name of a face model"):
        current_face_model(store)
