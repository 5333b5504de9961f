"""The file of deployments, `infra/prefect.yaml` or one of your own: read, checked, its environment variables filled in.

The format is Prefect's own; what it has no room for, the work pools, stands under `definitions`, which Prefect leaves to its users.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from storage_schemas.errors import BadInputError

DEPLOYMENT_FILE = Path(__file__).with_name("prefect.yaml")
"""The file that comes with the package."""

_VARIABLE = re.compile(r"\{\{\s*\$(\w+)\s*\}\}")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WorkPool(_Record):
    """A work pool and how many of its flow runs may run at a time."""

    name: str
    type: Literal["process", "docker", "kubernetes"] = "process"
    description: str = ""
    concurrency_limit: int = Field(1, ge=1)
    base_job_template: str = Field("", description="JSON file beside this one with the pool's job template; empty: that of the type")


class PlacedOn(_Record):
    """The work pool of a deployment."""

    name: str
    job_variables: dict[str, Any] = Field(default_factory=dict)


class RunsAtOnce(_Record):
    """How many runs of a deployment there may be, and what becomes of further ones."""

    limit: int = Field(ge=1)
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class CronSchedule(_Record):
    """When a deployment runs by itself: at the times of a cron line, or every so many seconds."""

    slug: str
    cron: str = ""
    interval: float = Field(0.0, ge=0, description="Seconds; instead of cron")
    timezone: str = "UTC"
    active: bool = True


class DeploymentEntry(_Record):
    """One deployment."""

    name: str
    entrypoint: str = Field(pattern=r"^flows(\.\w+)+$", description="Dotted path of a flow")
    description: str
    tags: list[str] = Field(default_factory=list)
    work_pool: PlacedOn
    concurrency_limit: RunsAtOnce
    schedules: list[CronSchedule] = Field(default_factory=list)
    parameters: dict[str, Any] = Field(default_factory=dict)


class _Definitions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # what is given names for YAML's own references

    work_pools: list[WorkPool]


class DeploymentFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str
    prefect_version: str = Field(alias="prefect-version")
    definitions: _Definitions
    deployments: list[DeploymentEntry]

    @property
    def work_pools(self) -> list[WorkPool]:
        """The work pools."""
        return self.definitions.work_pools


def read_deployments(path: Path = DEPLOYMENT_FILE, environment: Mapping[str, str] | None = None) -> DeploymentFile:
    """Read a file of deployments.

    Args:
        path: the file.
        environment: variables for its templates; None: those of this process. An entry whose variable is not set is left out.

    Raises:
        BadInputError: the file is missing or wrong; all problems are named.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = DeploymentFile.model_validate(_filled_in(content, os.environ if environment is None else environment))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInputError(f"cannot read the deployments in {path}: {error}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise BadInputError(f"the deployments in {path} have {error.error_count()} problem(s): {problems}") from error
    pools = {pool.name for pool in found.work_pools}
    lost = sorted({entry.work_pool.name for entry in found.deployments} - pools)
    if lost:
        raise BadInputError(f"{path}: expected work pools among {sorted(pools)}, found {lost}; add them under definitions.work_pools")
    return found


def _filled_in(value: Any, environment: Mapping[str, str]) -> Any:  # noqa: ANN401 - whatever YAML holds
    """Fill in variables; entries of mappings whose variable is not set, or empty, go."""
    if isinstance(value, dict):
        filled = {key: _filled_in(item, environment) for key, item in value.items()}
        return {key: item for key, item in filled.items() if item is not None}
    if isinstance(value, list):
        return [_filled_in(item, environment) for item in value]
    if not isinstance(value, str):
        return value
    names = _VARIABLE.findall(value)
    if names and not all(environment.get(name) for name in names):
        return None
    return _VARIABLE.sub(lambda match: environment[match[1]], value)
