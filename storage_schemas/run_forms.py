"""What people ask of flows in a form: shallow records; each field has a title, a description with an example, a default or bounds.

The page that shows them knows neither optional sub-records nor unions, so an empty string is "none". Nothing secret is ever a field:
values typed into a form are stored with the run.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from storage_schemas.build_spec import BuildSections, BuildSpec, Layout
from storage_schemas.form_titles import form_title
from storage_schemas.training_runs import Preset, RunKind


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", field_title_generator=form_title)


_STORE = "A folder or s3://bucket/prefix, e.g. /data/store; empty: FLOWVQTALKER_STORE where the run is carried out"


class BuildRequest(_Form):
    """A build: what is read, what becomes of it, and where it lands."""

    source: str = Field(min_length=1, description="Folder of videos as the worker sees it, e.g. /data/MEAD")
    name: str = Field("dataset", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="Name of the dataset, e.g. mead-front")
    layout: Layout = Field(Layout.FOLDER, description="folder: any tree of videos; the others: corpora as they are downloaded, e.g. mead")
    store: str = Field("", description=_STORE)
    tag: str = Field("latest", description="Tag that is moved to the version, e.g. latest; empty: none")
    keep_versions: int = Field(
        0, ge=0, le=10_000, description="How many of the newest versions of this name stay, e.g. 14; what has a tag stays; 0: all"
    )
    workers: int = Field(0, ge=0, le=1024, description="Recordings handled at once, e.g. 8; 0: one for each processor")
    scheduler: str = Field("", description="Address of a Dask scheduler, e.g. tcp://10.0.0.5:8786; empty: the worker's own machine")
    settings: BuildSections = Field(BuildSections(), description="Everything else that decides what comes out, e.g. crop: size")

    def spec(self) -> BuildSpec:
        """Return the specification of the build."""
        return BuildSpec(name=self.name, layout=self.layout, **dict(self.settings))

    @classmethod
    def of(cls, spec: BuildSpec, source: str, store: str, *, workers: int = 0, scheduler: str = "", tag: str = "latest") -> BuildRequest:
        """Return the request for a specification."""
        settings = BuildSections(**{name: getattr(spec, name) for name in BuildSections.model_fields})
        return cls(
            source=source, name=spec.name, layout=spec.layout, store=store, tag=tag, workers=workers, scheduler=scheduler, settings=settings
        )  # fmt: skip


class Device(StrEnum):
    """Where networks are trained."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class TrainRequest(_Form):
    """A training: which network, on what, how long."""

    network: RunKind = Field(RunKind.EXPFLOW, description="expflow, poseflow, codebook or vqig, in this order, e.g. vqig needs a codebook")
    dataset: str = Field("latest", min_length=1, description="Dataset version: id, beginning of one, or tag, e.g. latest")
    store: str = Field("", description=_STORE)
    preset: Preset = Field(Preset.TINY, description="Size of network and training: tiny takes minutes on two processors, e.g. for a trial")
    steps: int = Field(0, ge=0, le=10_000_000, description="Optimiser steps, e.g. 2000; 0: as the preset says")
    max_minutes: float = Field(0.0, ge=0, le=100_000, description="Wall-clock cap in minutes, e.g. 30; 0: none")
    seed: int = Field(0, ge=0, lt=2**32, description="Of all random numbers, e.g. 1")
    device: Device = Field(Device.AUTO, description="auto: a GPU if there is one, e.g. cpu to leave it alone")
    codebook: str = Field("latest", description="vqig: run of the codebook, e.g. 3f2a or latest")
    vgg19: str = Field("", description="codebook, vqig: file with torchvision's vgg19 weights, e.g. /models/vgg19.pth; empty: none")
    more: str = Field("", description="Further settings of the training as YAML, e.g. batch_windows: 16; empty: none")


class AblationRequest(_Form):
    """An ablation study: which file, on what."""

    study: str = Field(min_length=1, description="YAML file of the study as the worker sees it, e.g. /data/study.yaml")
    dataset: str = Field("latest", min_length=1, description="Dataset version: id, beginning of one, or tag, e.g. latest")
    store: str = Field("", description=_STORE)
    device: Device = Field(Device.AUTO, description="auto: a GPU if there is one, e.g. cpu to leave it alone")


class CollectRequest(_Form):
    """Housekeeping: what no version names goes."""

    store: str = Field("", description=_STORE)
    keep_untagged: int = Field(
        -1, ge=-1, le=10_000, description="Newest versions without a tag or a run that stay, e.g. 30; -1: all of them"
    )
    grace_hours: float = Field(24.0, ge=0, le=8760, description="What is younger stays, since a build may need it, e.g. 24")
    dry_run: bool = Field(False, description="Only say what would go, e.g. to look first")
