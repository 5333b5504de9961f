"""Runs of judges without a training: random weights and a card."""

from __future__ import annotations

import torch

from pipelines.judging.loading import network_fields, new_emotion_classifier, new_sync_expert
from pipelines.models.emotion_classifier.settings import EmotionClassifierSettings
from pipelines.models.sync_expert.settings import SyncExpertSettings
from pipelines.training.run_folder import RunFolder, run_id_of
from storage_schemas.judge_runs import JudgeRunCard, JudgeRunConfig, JudgeTrainingSpec
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import CARD_FILE, WEIGHTS_FILE, RunKind

SYNC_SIZES = SyncExpertSettings(size_px=16, widths=(4, 6, 8, 8), halvings=2, embedding=8)
EMOTION_SIZES = EmotionClassifierSettings(size_px=16, widths=(4, 6))


def store_judge(store: ObjectStore, kind: RunKind, seed: int = 0) -> str:
    """Put an untrained judge into a store and return the id of its run."""
    network = network_fields(SYNC_SIZES if kind is RunKind.SYNC else EMOTION_SIZES)
    training = JudgeTrainingSpec(seed=seed)
    config = JudgeRunConfig(kind=kind, training_version=0, dataset="0" * 16, training=training, network=network)
    torch.manual_seed(seed)
    made = new_sync_expert(network) if kind is RunKind.SYNC else new_emotion_classifier(network)
    folder = RunFolder(store, kind, run_id_of(config))
    sha256 = folder.write_tensors(WEIGHTS_FILE, made.state_dict())
    card = JudgeRunCard(
        run_id=folder.run_id, kind=kind, dataset=config.dataset, parents=[], config=config, code_version="", software={}, device="cpu",
        threads=1, parameters=0, clips={}, frames={}, steps=0, stopped_by_time=False, seconds=0.0, steps_per_second=0.0,
        losses={}, validation=None, weights_sha256=sha256, created="2026-01-01T00:00:00Z",
    )  # fmt: skip
    folder.write_record(CARD_FILE, card)
    return folder.run_id
