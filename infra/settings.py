"""Settings of an installation: the one place that reads the environment (and a `.env` file never).

Every field is set by ``FLOWVQTALKER_<FIELD>``. Credentials are not settings: S3 takes them from the usual places
(``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``, a profile, or the role of the machine).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

LocalPath = Annotated[Path, AfterValidator(lambda path: path.expanduser())]
"""A local path in which ``~`` is the home folder."""


def _default_scratch_dir() -> Path:
    return Path(tempfile.gettempdir())


class Settings(BaseSettings):
    """Where things are and how they are reached; nothing here decides the content of a dataset."""

    model_config = SettingsConfigDict(env_prefix="FLOWVQTALKER_", frozen=True, extra="ignore", validate_default=True)

    store: str = Field("store", description="Store that is used where a command names none: a folder or s3://bucket/prefix")
    store_fsync: bool = Field(True, description="Local stores: force files to the disk before they are published")
    s3_endpoint_url: str = Field("", description="Address of an S3-compatible server, e.g. http://127.0.0.1:9000; empty: AWS")
    s3_region: str = Field("", description="Region; empty: as the AWS configuration says")
    s3_profile: str = Field("", description="Named profile of the AWS configuration; empty: the default")
    s3_max_attempts: int = Field(10, ge=1, description="How often a failing request is tried before the build gives up")
    s3_connect_timeout_s: float = Field(10.0, gt=0, description="How long a connection to the server may take")
    s3_read_timeout_s: float = Field(60.0, gt=0, description="How long the server may stay silent")
    scratch_dir: LocalPath = Field(
        default_factory=_default_scratch_dir, description="Folder for temporary files of S3 stores; local stores keep theirs inside"
    )
    speech: str = Field(
        "espeak-ng", description="What speaks the texts of script lists: espeak-ng, command:PROGRAM ARGUMENTS or python:module:function"
    )
    gpu_deployment: str = Field(
        "",
        description='Trainings run there, "flow name/deployment name" on the server of PREFECT_API_URL, each on the deployment of its own '
        "flow that has this deployment name; empty: in this process",
    )
    render_deployment: str = Field(
        "",
        description='Chunks of script lists are rendered there, "render_chunk/deployment name" on that server; empty: in this process',
    )
    pin_processes: bool = Field(
        True, description="Builds on this machine: keep each process that handles recordings on one processor, where the system can"
    )
    home: LocalPath = Field(Path("~/.flowvqtalker"), description="Folder for what is kept between commands: local server, downloaded parts")
