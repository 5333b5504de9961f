"""What is put on a server: each deployment's form can be read by people, and a schedule that lacks a parameter is paused."""

from __future__ import annotations

from typing import Any

import pytest

from infra.deployment_file import DeploymentEntry, read_deployments
from storage_schemas.errors import BadInputError
from tests.factories.form_fields import FormField, form_fields

FOR_PEOPLE = [entry for entry in read_deployments(environment={}).deployments if "internal" not in entry.tags]


def schema_of(entry: DeploymentEntry) -> dict[str, Any]:
    from prefect.flows import load_flow_from_entrypoint  # noqa: PLC0415 - Prefect and torch take seconds to import
    from prefect.utilities.callables import parameter_schema  # noqa: PLC0415

    found: dict[str, Any] = parameter_schema(load_flow_from_entrypoint(entry.entrypoint, use_placeholder_flow=False)).model_dump()
    return found


def ids(entry: DeploymentEntry) -> str:
    return entry.entrypoint.rpartition(".")[2]


@pytest.fixture(params=FOR_PEOPLE, ids=ids)
def fields(request: pytest.FixtureRequest) -> list[FormField]:
    return list(form_fields(schema_of(request.param)))


def paths(fields: list[FormField]) -> list[str]:
    return [".".join(field.path) for field in fields]


def test_every_field_has_a_title_and_says_what_it_is(fields: list[FormField]) -> None:
    assert fields
    assert paths([field for field in fields if not field.schema.get("title")]) == []
    assert paths([field for field in fields if len(str(field.schema.get("description", ""))) < 8]) == []


def test_every_field_of_the_first_page_has_an_example(fields: list[FormField]) -> None:
    first = [field for field in fields if len(field.path) == 2 and field.schema.get("type") != "boolean"]

    assert paths([field for field in first if "e.g." not in field.schema["description"]]) == []


def test_numbers_have_bounds_and_words_to_choose_from_are_listed(fields: list[FormField]) -> None:
    assert paths([field for field in fields if field.is_number and not field.is_bounded and field.path[-1] != "seed"]) == []
    assert paths([field for field in fields if "const" in field.schema]) == []


def test_nothing_is_awkward_to_fill_in(fields: list[FormField]) -> None:
    assert paths([field for field in fields if {"anyOf", "oneOf", "allOf"} & set(field.schema)]) == []
    loose = [field for field in fields if field.schema.get("type") == "object" and not field.schema.get("properties")]
    assert paths(loose) == []
    assert paths([field for field in fields if field.schema.get("format") == "path"]) == []


def test_no_field_asks_for_a_secret(fields: list[FormField]) -> None:
    words = ("password", "secret", "token", "access_key", "credential")

    assert paths([field for field in fields if any(word in field.path[-1].lower() for word in words)]) == []


def test_only_what_nobody_can_guess_is_required(fields: list[FormField]) -> None:
    required = {field.path[-1] for field in fields if field.required}

    assert required <= {"request", "source", "scripts", "out", "generated", "reference", "study"}


def test_a_schedule_without_its_parameters_is_paused() -> None:
    from flows.build_dataset import build_dataset  # noqa: PLC0415 - Prefect takes a second to import
    from infra.deployment_apply import _missing_parameters  # noqa: PLC0415

    assert _missing_parameters(build_dataset, {"request": {"store": "s"}}) == ["request.source"]
    assert _missing_parameters(build_dataset, {"request": {"source": "videos", "store": "s"}}) == []
    with pytest.raises(BadInputError, match=r"request\.workers"):
        _missing_parameters(build_dataset, {"request": {"source": "videos", "workers": -1}})
