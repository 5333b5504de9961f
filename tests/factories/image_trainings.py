"""Trainings of small image networks on a synthetic version; as a process, to be killed: python -m tests.factories.image_trainings STORE."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import Any

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.training.images.image_run import train_images
from pipelines.training.images.image_run_settings import codebook_config, generator_config, preset_image_training
from pipelines.training.images.version_frames import VersionFrames
from pipelines.training.trainings import RunOptions, TrainedRun
from storage_schemas.image_runs import ImageRunCard, ImageRunConfig, ImageTrainingSpec
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import Preset, RunKind
from tests.factories.fitted_versions import publish_fitted
from tests.factories.image_models import CODEBOOK, GENERATOR

CHECKPOINT_EVERY = 20
SMALL: dict[str, Any] = {
    "steps": 8, "batch_frames": 4, "unquantised_steps": 3, "revive_every": 2, "validate_every": 4, "validation_frames": 6,
    "precision": "32-true",
}  # fmt: skip


def synthetic_frames(store: ManagedStore) -> VersionFrames:
    """Publish a version if there is none, and return its frames; those for validation are the training frames."""
    if not store.list_folders("versions"):
        publish_fitted(store)
    source = VersionFrames(store, store.list_folders("versions")[0])
    source.tables["validation"] = source.tables["train"]
    return source


def small_spec(kind: RunKind, **changes: Any) -> ImageTrainingSpec:  # noqa: ANN401 - fields of the specification
    """Return the specification of a training of a second."""
    return preset_image_training(kind, Preset.TINY, **{**SMALL, **changes})


def small_config(source: VersionFrames, kind: RunKind, codebook: str = "", **changes: Any) -> ImageRunConfig:  # noqa: ANN401
    """Return the configuration of a training of small networks."""
    spec = small_spec(kind, **changes)
    if kind is RunKind.CODEBOOK:
        return codebook_config(source.dataset, spec, **_fields(CODEBOOK))
    network = {name: value for name, value in _fields(GENERATOR).items() if name not in ("variant", "bootstrap", "blend")}
    return generator_config(source.dataset, codebook, spec, **network)


def train_small(store: ObjectStore, source: VersionFrames, config: ImageRunConfig, **options: Any) -> TrainedRun[ImageRunCard]:  # noqa: ANN401
    """Train to the end, or go on with what is there."""
    return train_images(store, source, config, RunOptions(device="cpu", threads=1, checkpoint_every=CHECKPOINT_EVERY, **options))


def train_both(store_uri: str, steps: int, adversarial_share: float = 0.5) -> list[TrainedRun[ImageRunCard]]:
    """Train codebook and generator, or go on with what is there."""
    with open_store(store_uri, Settings(store_fsync=False)) as store:
        source = synthetic_frames(store)
        changes: dict[str, Any] = {"steps": steps, "adversarial_share": adversarial_share, "unquantised_steps": 15}
        codebook = train_small(store, source, small_config(source, RunKind.CODEBOOK, **changes))
        return [codebook, train_small(store, source, small_config(source, RunKind.VQIG, codebook.card.run_id, **changes))]


def _fields(settings: Any) -> dict[str, Any]:  # noqa: ANN401 - a dataclass
    return {field.name: getattr(settings, field.name) for field in fields(settings)}


if __name__ == "__main__":
    train_both(sys.argv[1], steps=160)
