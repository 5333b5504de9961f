"""Training the emotion judge: a few frames of a clip, and the clip's label."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.judging.clip_media import VersionMedia
from pipelines.models.emotion_classifier.network import EmotionClassifier, normalised
from pipelines.training.buffered_reading import BufferedReading
from pipelines.training.coefficient_sequences import SequenceTable
from pipelines.training.judges.augmentation import blurred, hidden_squares, moved
from pipelines.training.judges.loaded_windows import BUFFER_FRAMES, read_faces
from pipelines.training.window_plan import IntArray, WindowPlan, generator
from storage_schemas.judge_runs import JUDGED_EMOTIONS, JudgeTrainingSpec

_SHUFFLE, _DRAWS = 21, 22


class EmotionBatch(NamedTuple):
    """W clips.

    Attributes:
        windows: uint8 (W, frames, wide, wide) faces.
        label: int64 (W,), index into JUDGED_EMOTIONS.
        counts: bool (W,), False where no face was found.
    """

    windows: Tensor
    label: Tensor
    counts: Tensor


class EmotionBatches:
    """The batches of a training split, by step.

    Args:
        source: where the clips are.
        table: the training split.
        spec: of the training.
        size_px: side of the windows that the judge sees.
    """

    def __init__(self, source: VersionMedia, table: SequenceTable, spec: JudgeTrainingSpec, size_px: int) -> None:
        self._table, self._spec = table, spec
        self._labels = training_labels(table, spec)
        self._plan = WindowPlan(table, spec.window_frames, spec.batch_windows, spec.seed, BUFFER_FRAMES)
        self._reading = BufferedReading(self._plan, lambda rows: read_faces(source, table, rows, size_px))

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> EmotionBatch:
        """Return one process's share of the batch of a step."""
        buffer = self._plan.buffer(step)
        clips = self._reading.loaded(buffer)
        positions, _ = self._plan.batch(buffer, step)
        random = generator(self._spec.seed, step, _DRAWS).random((len(positions), self._spec.frames))
        parts = []
        for position, places in list(zip(positions, random, strict=True))[rank::world_size]:
            windows = clips[position].windows
            share = (np.arange(self._spec.frames) + places) / self._spec.frames  # one frame of each third, as in Emotion-FAN
            chosen = windows[(share * len(windows)).astype(np.int64)]
            parts.append((chosen, self._labels[buffer.rows[position]], clips[position].seen))
        windows, label, counts = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*parts, strict=True))
        return EmotionBatch(windows, label, counts)

    def close(self) -> None:
        """End the thread that reads ahead."""
        self._reading.close()


def training_labels(table: SequenceTable, spec: JudgeTrainingSpec) -> IntArray:
    """Return the label of every clip of a table, index into JUDGED_EMOTIONS; dealt anew if the specification says so."""
    labels = np.array([JUDGED_EMOTIONS.index(emotion) for emotion in table.column("emotion")], np.int64)
    return np.asarray(generator(spec.seed, _SHUFFLE).permutation(labels)) if spec.shuffled_labels else labels


class EmotionLoss(nn.Module):
    """The loss of a batch, and how many of its clips were told rightly.

    Args:
        classifier: that is trained.
        spec: of the training.
    """

    def __init__(self, classifier: EmotionClassifier, spec: JudgeTrainingSpec) -> None:
        super().__init__()
        self.classifier, self._spec = classifier, spec

    def forward(self, batch: EmotionBatch) -> dict[str, Tensor]:
        """Return the scalars "loss" and "right_share"."""
        spec = self._spec
        clips, frames = batch.windows.shape[:2]
        pictures = normalised(blurred(moved(batch.windows, self.classifier.settings.size_px, spec), spec.blur_share))
        pictures = pictures + spec.noise * torch.randn_like(pictures)
        pictures = hidden_squares(pictures.flatten(0, 1), spec.hidden_share).view(clips, frames, *pictures.shape[2:])
        logits = self.classifier(pictures)
        losses = functional.cross_entropy(logits, batch.label, label_smoothing=spec.label_smoothing, reduction="none")
        count = batch.counts.sum().clamp(min=1)
        right = (logits.argmax(dim=1) == batch.label) & batch.counts
        return {"loss": (losses * batch.counts).sum() / count, "right_share": right.sum() / count}
