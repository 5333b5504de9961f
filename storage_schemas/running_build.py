"""The mark of a build that is running: `builds/<random>.json`, written anew about every minute and removed at the end."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

RUNNING_BUILDS_FOLDER = "builds"


class RunningBuild(BaseModel):
    """What a running build says of itself, for people; that it runs is told by the age of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name of the dataset")
    host: str = Field(description="Name of the machine")
    started: str = Field(description="UTC time, ISO 8601")
