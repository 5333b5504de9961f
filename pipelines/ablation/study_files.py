"""Study files: reading one, and a template with every field explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from storage_schemas.ablation_study import AblationStudy, ExpFlowAblation, VqigAblation
from storage_schemas.errors import BadInputError

_HEADER = """\
# An ablation study: variants are trained on the same frames or sequences and compared on clips that none has seen.
# Runs that are finished are found, not trained again. A part that is not wanted: `expflow: null`.
"""


def read_study(path: Path) -> AblationStudy:
    """Read a study from YAML; what is not named has its default.

    Raises:
        BadInputError: the file is missing, is no YAML, or has fields that are unknown or out of range; all problems are named.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInputError(f"cannot read the study {path}: {error}; `flowvqtalker ablation template` writes one") from error
    try:
        return AblationStudy.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']} (found {item['input']!r})" for item in error.errors()
        )
        raise BadInputError(f"the study {path} has {error.error_count()} problem(s): {problems}") from error


def study_template() -> str:
    """Return YAML with every field, its default and what it means."""
    study = AblationStudy()
    lines = [_HEADER + f"name: {study.name}"]
    for name, part in (("expflow", ExpFlowAblation()), ("vqig", VqigAblation())):
        lines += [f"{name}:", *_fields(part)]
    return "\n".join(lines) + "\n"


def _fields(part: BaseModel) -> list[str]:
    values = part.model_dump(mode="json")
    return [
        f"  {name}: {_flow(values[name])}  # {field.description[:1].lower()}{field.description[1:]}"
        for name, field in type(part).model_fields.items()
        if field.description
    ]


def _flow(value: object) -> str:
    """Return a value as YAML on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n").removesuffix("\n...")
