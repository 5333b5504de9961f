"""Trainings of small judges on drawn faces; as a process, to be killed: python -m tests.factories.judge_trainings STORE KIND."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.judging.clip_media import VersionMedia
from pipelines.training.judges.judge_run import train_judge
from pipelines.training.judges.judge_settings import judge_config, preset_judge_training
from pipelines.training.trainings import RunOptions, TrainedRun
from storage_schemas.judge_runs import JudgeRunCard, JudgeRunConfig
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import Preset, RunKind
from tests.factories.judge_runs import EMOTION_SIZES, SYNC_SIZES
from tests.factories.talking_versions import TalkingRecording, publish_talking

CHECKPOINT_EVERY = 20
SMALL: dict[str, Any] = {"steps": 8, "batch_windows": 4, "window_frames": 8, "validate_every": 4, "validation_clips": 2, "warmup_steps": 2}
TRAINED_CLIPS, HELD_OUT_CLIPS = 16, 8


def talking_version(store: ManagedStore) -> VersionMedia:
    """Publish a version if there is none, and return its clips."""
    if not store.list_folders("versions"):
        splits = ["train"] * TRAINED_CLIPS + ["validation"] * HELD_OUT_CLIPS
        publish_talking(store, [TalkingRecording(seed, split) for seed, split in enumerate(splits)])
    return VersionMedia(store, store.list_folders("versions")[0])


def small_judge_config(kind: RunKind, source: VersionMedia, **changes: Any) -> JudgeRunConfig:  # noqa: ANN401 - fields of the specification
    """Return the configuration of a training of a small judge."""
    spec = preset_judge_training(kind, Preset.TINY, **{**SMALL, **changes})
    return judge_config(kind, source.dataset, spec, **asdict(SYNC_SIZES if kind is RunKind.SYNC else EMOTION_SIZES))


def train_small_judge(store: ObjectStore, source: VersionMedia, config: JudgeRunConfig, **options: Any) -> TrainedRun[JudgeRunCard]:  # noqa: ANN401
    """Train to the end, or go on with what is there."""
    return train_judge(store, source, config, RunOptions(device="cpu", threads=1, checkpoint_every=CHECKPOINT_EVERY, **options))


def train_judge_in(store_uri: str, kind: RunKind, steps: int) -> TrainedRun[JudgeRunCard]:
    """Train a judge in a store, or go on with what is there."""
    with open_store(store_uri, Settings(store_fsync=False)) as store:
        source = talking_version(store)
        return train_small_judge(store, source, small_judge_config(kind, source, steps=steps))


if __name__ == "__main__":
    train_judge_in(sys.argv[1], RunKind(sys.argv[2]), steps=200)
