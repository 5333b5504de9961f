"""The fields of a form as a page would show them, from the schema that Prefect stores with a deployment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FormField:
    """One field.

    Attributes:
        path: names from the parameter down.
        schema: of the field, references followed.
        required: it has no default.
    """

    path: tuple[str, ...]
    schema: dict[str, Any]
    required: bool

    @property
    def is_number(self) -> bool:
        return self.schema.get("type") in ("integer", "number")

    @property
    def is_bounded(self) -> bool:
        return bool({"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"} & set(self.schema))


def form_fields(parameters: dict[str, Any]) -> Iterator[FormField]:
    """Yield every field of a parameter schema, those of sub-forms too."""
    definitions = parameters.get("definitions", {})

    def walk(schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[FormField]:
        for name, own in schema.get("properties", {}).items():
            followed = {**definitions[own["$ref"].rpartition("/")[2]], **own} if "$ref" in own else own
            yield FormField((*path, name), followed, name in schema.get("required", []))
            yield from walk(followed, (*path, name))

    yield from walk(parameters, ())
