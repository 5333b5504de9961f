"""A training in a process of its own, to be killed: python -m tests.factories.training_child STORE KIND."""

from __future__ import annotations

import sys

from infra.object_store import open_store
from infra.settings import Settings
from pipelines.training.coefficient_training import train_coefficients
from pipelines.training.run_settings import preset_training, run_config
from pipelines.training.trainings import RunOptions, TrainedRun
from storage_schemas.training_runs import Preset, RunCard, RunConfig, RunKind
from tests.factories.coefficient_sequences import SMALL_NETWORK, SMALL_TRAINING, MemorySequences, invented_source

CHECKPOINT_EVERY = 20


def small_config(kind: RunKind, source: MemorySequences, **changes: object) -> RunConfig:
    """Return the configuration of a training of a few seconds."""
    return run_config(kind, source, preset_training(kind, Preset.TINY, **{**SMALL_TRAINING, **changes}), **SMALL_NETWORK)


def train_small(store_uri: str, kind: RunKind, **changes: object) -> TrainedRun[RunCard]:
    """Train to the end, or go on with what is there."""
    source = invented_source()
    with open_store(store_uri, Settings(store_fsync=False)) as store:
        options = RunOptions(device="cpu", threads=1, checkpoint_every=CHECKPOINT_EVERY)
        return train_coefficients(store, source, small_config(kind, source, **changes), options)


if __name__ == "__main__":
    train_small(sys.argv[1], RunKind(sys.argv[2]), steps=400)
