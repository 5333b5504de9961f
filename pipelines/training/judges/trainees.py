"""The two judges as `judge_run` trains them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from pipelines.judging.clip_media import ClipMedia, VersionMedia
from pipelines.judging.emotion_judge import EmotionJudge, looked_at
from pipelines.judging.face_windows import FACE, MOUTH, Windows
from pipelines.judging.loading import new_emotion_classifier, new_sync_expert
from pipelines.judging.planted_offsets import find_planted, right_share
from pipelines.judging.sync_judge import LARGEST_OFFSET, LEAST_FRAMES, SyncJudge
from pipelines.models.emotion_classifier.network import EmotionClassifier
from pipelines.models.sync_expert.network import SyncExpert
from pipelines.training.coefficient_sequences import SequenceTable
from pipelines.training.judges.emotion_training import EmotionBatches, EmotionLoss
from pipelines.training.judges.sync_training import SyncBatches, SyncLoss
from storage_schemas.errors import BadInputError
from storage_schemas.judge_runs import JUDGED_EMOTIONS, JudgeRunConfig
from storage_schemas.training_runs import RunKind

SPLITS = ("train", "validation")
_VALIDATION_OFFSETS = (-10, -5, 0, 5, 10)
_SHARPNESS = 20.0
"""What distances are multiplied by to make a loss of them."""

Judgement = tuple[float, dict[str, float]]


class Batches(Protocol):
    """The batches of a training split."""

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> Any:  # noqa: ANN401 - whatever the loss takes
        """Return one process's share of the batch of a step."""
        ...

    def close(self) -> None:
        """End threads."""
        ...


class JudgeTrainee(Protocol):
    """A judge with everything that its training needs.

    Attributes:
        network: whose parameters are trained and averaged.
        loss: around it.
        batches: of the training split.
        tables: of the splits.
    """

    network: nn.Module
    loss: nn.Module
    batches: Batches
    tables: dict[str, SequenceTable]

    def judge(self, network: nn.Module) -> Judgement | None:
        """Return a loss and figures of a network of the same kind on validation clips; None: there are none."""
        ...


def new_trainee(source: VersionMedia, config: JudgeRunConfig, device: torch.device) -> JudgeTrainee:
    """Return what a configuration trains.

    Raises:
        BadInputError: the version has nothing to train on.
        StoreError: it cannot be read.
    """
    kinds: dict[RunKind, type[JudgeTrainee]] = {RunKind.SYNC: SyncTrainee, RunKind.EMOTION: EmotionTrainee}
    trainee: JudgeTrainee = kinds[config.kind](source, config, device)  # type: ignore[call-arg]
    return trainee


class SyncTrainee:
    """The lip-sync expert.

    Args:
        source: the version.
        config: of the run.
        device: on which it is trained.
    """

    def __init__(self, source: VersionMedia, config: JudgeRunConfig, device: torch.device) -> None:
        spec = config.training
        self.tables = {split: source.table(split, with_sound=True, least_frames=LEAST_FRAMES) for split in SPLITS}
        if not len(self.tables["train"]):
            raise BadInputError(
                f"dataset version {source.dataset} has no training clips of {LEAST_FRAMES} frames or more with face and sound"
            )
        torch.manual_seed(spec.seed)
        expert = new_sync_expert(config.network).to(device)
        self.network: nn.Module = expert
        self.loss: nn.Module = SyncLoss(expert, spec)
        size_px = expert.settings.size_px
        self.batches: Batches = SyncBatches(source, self.tables["train"], spec, size_px)
        self._device = device
        clips = _evenly_chosen(source, self.tables["validation"], spec.validation_clips)
        self._clips: list[tuple[ClipMedia, Windows]] = [(clip, clip.windows(MOUTH, size_px)) for clip in clips]

    def judge(self, network: nn.Module) -> Judgement | None:
        """Return how surely the right offset is found, and how often planted ones are."""
        assert isinstance(network, SyncExpert)  # noqa: S101 - the loop hands back what it was given
        if not self._clips:
            return None
        judge = SyncJudge(network.eval(), "", self._device)
        losses, results = [], []
        for clip, windows in self._clips:
            distances = torch.from_numpy(judge.distances(windows, clip.waveform))
            losses.append(float(-functional.log_softmax(-_SHARPNESS * distances, dim=0)[LARGEST_OFFSET]))
            results += find_planted(judge, clip.clip_id, windows, clip.waveform, _VALIDATION_OFFSETS)
        confidence = float(np.mean([result.confidence for result in results]))
        return float(np.mean(losses)), {
            "planted_found_share": right_share(results),
            "confidence": confidence,
            "clips": float(len(self._clips)),
        }


class EmotionTrainee:
    """The emotion judge.

    Args:
        source: the version.
        config: of the run.
        device: on which it is trained.
    """

    def __init__(self, source: VersionMedia, config: JudgeRunConfig, device: torch.device) -> None:
        spec = config.training
        self.tables = {split: source.table(split, emotions=JUDGED_EMOTIONS) for split in SPLITS}
        found = set(self.tables["train"].column("emotion"))
        if len(found) < 2:
            raise BadInputError(
                f"dataset version {source.dataset} has training clips of {len(found)} emotions; the emotion judge needs two or more"
            )
        torch.manual_seed(spec.seed)
        classifier = new_emotion_classifier(config.network, spec.dropout).to(device)
        self.network: nn.Module = classifier
        self.loss: nn.Module = EmotionLoss(classifier, spec)
        size_px = classifier.settings.size_px
        self.batches: Batches = EmotionBatches(source, self.tables["train"], spec, size_px)
        self._device = device
        clips = _evenly_chosen(source, self.tables["validation"], spec.validation_clips)
        self._clips = [(clip.windows(FACE, size_px, looked_at(len(clip.jpegs))), JUDGED_EMOTIONS.index(clip.emotion)) for clip in clips]

    def judge(self, network: nn.Module) -> Judgement | None:
        """Return the cross-entropy and the share of clips that are told rightly."""
        assert isinstance(network, EmotionClassifier)  # noqa: S101 - the loop hands back what it was given
        if not self._clips:
            return None
        judge = EmotionJudge(network.eval(), "", self._device)
        probabilities = np.stack([judge.score_windows(windows) for windows, _ in self._clips])
        labels = np.array([label for _, label in self._clips])
        right = probabilities[np.arange(len(labels)), labels]
        accuracy = float((probabilities.argmax(axis=1) == labels).mean())
        return float(-np.log(right + 1e-9).mean()), {"accuracy": accuracy, "clips": float(len(labels))}


def _evenly_chosen(source: VersionMedia, table: SequenceTable, most: int) -> list[ClipMedia]:
    if not len(table):
        return []
    rows = np.unique(np.linspace(0, len(table) - 1, min(most, len(table))).round().astype(np.int64))
    return [clip for clip in source.read(table, rows) if clip.track is not None]
