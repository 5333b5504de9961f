from __future__ import annotations

from pathlib import Path

import pytest

from flows.commands.render import models_and_store
from storage_schemas.errors import BadInputError


def test_models_are_names_of_runs_or_a_place_that_has_them(tmp_path: Path) -> None:
    (tmp_path / "demo" / "store" / "runs").mkdir(parents=True)
    demo, store = str(tmp_path / "demo"), str(tmp_path / "demo" / "store")

    assert models_and_store(["vqig/latest", "expflow/3f"], "s3://b/store") == (["vqig/latest", "expflow/3f"], "s3://b/store")
    assert models_and_store([], "")[1] == "store"
    assert models_and_store([demo], "") == ([], store)
    assert models_and_store([store, "vqig/3f"], "") == (["vqig/3f"], store)
    assert models_and_store(["s3://b/store"], "") == ([], "s3://b/store")


def test_two_places_or_none_with_runs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="name two places"):
        models_and_store([str(tmp_path)], "store")
    with pytest.raises(BadInputError, match="found neither"):
        models_and_store([str(tmp_path)], "")
