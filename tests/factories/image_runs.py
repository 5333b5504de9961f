"""A store with a version and small runs of codebook and image generator."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from infra.managed_store import ManagedStore
from storage_schemas.training_runs import RunKind
from tests.factories.dataset_versions import local_store
from tests.factories.image_trainings import small_config, synthetic_frames, train_small


class ImageStore(NamedTuple):
    """The store, its folder, its version, and the ids of its two runs."""

    store: ManagedStore
    folder: Path
    version: str
    codebook: str
    generator: str


def store_with_image_runs(folder: Path) -> ImageStore:
    """Return a store whose runs were trained for a few steps."""
    store = local_store(folder)
    source = synthetic_frames(store)
    codebook = train_small(store, source, small_config(source, RunKind.CODEBOOK)).card.run_id
    generator = train_small(store, source, small_config(source, RunKind.VQIG, codebook)).card.run_id
    return ImageStore(store, folder, source.dataset, codebook, generator)
