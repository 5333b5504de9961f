"""Training the sync expert: of all offsets of a clip's own sound, the right one is to be nearest.

Negatives are the sound of the same clip at other offsets, all at once (Chung et al., Perfect match, 2019): they have the same voice,
room and level, so that nothing but the time tells them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pipelines.judging.clip_media import VersionMedia
from pipelines.judging.sync_judge import LARGEST_OFFSET, first_columns
from pipelines.models.sync_expert.network import SyncExpert, normalised
from pipelines.models.sync_expert.settings import FRAMES, MEL_COLUMNS
from pipelines.training.buffered_reading import BufferedReading
from pipelines.training.coefficient_sequences import SequenceTable
from pipelines.training.judges.augmentation import blurred, changed_sound, moved
from pipelines.training.judges.loaded_windows import BUFFER_FRAMES, TalkingMouth, read_mouths
from pipelines.training.window_plan import PHASES, IntArray, WindowPlan
from storage_schemas.judge_runs import JudgeTrainingSpec

_WHOLE_WINDOW_SHARPNESS = 4.0
"""A mean over a window is surer than a frame."""


class SyncBatch(NamedTuple):
    """W windows of T runs of FRAMES frames, and the sound of T + 2 LARGEST_OFFSET.

    Attributes:
        windows: uint8 (W, T + FRAMES - 1, wide, wide) mouths.
        log_mel: float32 (W, columns, 80).
        first: int64 (T + 2 LARGEST_OFFSET,) first columns of the sound of each run, the same for all.
        seen: bool (W, T), which runs are inside the clip.
        heard: bool (W, T + 2 LARGEST_OFFSET), which sounds are.
    """

    windows: Tensor
    log_mel: Tensor
    first: Tensor
    seen: Tensor
    heard: Tensor


class SyncBatches:
    """The batches of a training split, by step.

    Args:
        source: where the clips are.
        table: the training split.
        spec: of the training.
        size_px: side of the windows that the expert sees.
    """

    def __init__(self, source: VersionMedia, table: SequenceTable, spec: JudgeTrainingSpec, size_px: int) -> None:
        self._runs = spec.window_frames
        self._plan = WindowPlan(table, spec.window_frames + FRAMES - 1, spec.batch_windows, spec.seed, BUFFER_FRAMES)
        self._reading = BufferedReading(self._plan, lambda rows: read_mouths(source, table, rows, size_px))

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> SyncBatch:
        """Return one process's share of the batch of a step."""
        buffer = self._plan.buffer(step)
        clips = self._reading.loaded(buffer)
        positions, starts = self._plan.batch(buffer, step)
        mine = slice(rank, None, world_size)
        return sync_batch([clips[position] for position in positions[mine]], starts[mine], self._runs)

    def close(self) -> None:
        """End the thread that reads ahead."""
        self._reading.close()


def sync_batch(clips: Sequence[TalkingMouth], starts: IntArray, runs: int) -> SyncBatch:
    """Return windows of some clips.

    Args:
        clips: of those without a face nothing counts.
        starts: their first frames, all the same modulo PHASES, so that the columns of all windows are too.
        runs: T.
    """
    before = np.arange(runs + 2 * LARGEST_OFFSET) - LARGEST_OFFSET
    first = first_columns(starts[0] % PHASES + PHASES * LARGEST_OFFSET + before)
    columns = np.arange(first[-1] - first[0] + MEL_COLUMNS)
    parts: list[tuple[NDArray[Any], ...]] = []
    for clip, start in zip(clips, starts.tolist(), strict=True):
        last = len(clip.windows) - 1
        frames = np.clip(start + np.arange(runs + FRAMES - 1), 0, last)
        sound = np.clip(first_columns(start + before[:1]) + columns, 0, len(clip.log_mel) - 1)
        heard = (start + before >= 0) & (start + before <= last - FRAMES + 1)
        seen = heard[LARGEST_OFFSET : LARGEST_OFFSET + runs] & clip.seen
        parts.append((clip.windows[frames], clip.log_mel[sound], seen, heard))
    windows, log_mel, seen, heard = (torch.from_numpy(np.stack(arrays)) for arrays in zip(*parts, strict=True))
    return SyncBatch(windows, log_mel, torch.from_numpy(first - first[0]), seen, heard)


class SyncLoss(nn.Module):
    """The loss of a batch, and how often the right offset was found.

    Args:
        expert: that is trained.
        spec: of the training.
    """

    def __init__(self, expert: SyncExpert, spec: JudgeTrainingSpec) -> None:
        super().__init__()
        self.expert, self._spec = expert, spec

    def forward(self, batch: SyncBatch) -> dict[str, Tensor]:
        """Return the scalars "loss", "frame", "whole_window" and "found_share"."""
        spec = self._spec
        pictures = blurred(moved(batch.windows, self.expert.settings.size_px, spec), spec.blur_share)
        pictures = normalised(pictures)
        pictures = pictures + spec.noise * torch.randn_like(pictures)
        logits = self.expert.scale * offset_cosines(self.expert, pictures, changed_sound(batch.log_mel, spec), batch.first)
        heard = batch.heard.unfold(1, 2 * LARGEST_OFFSET + 1, 1)
        counted = heard & batch.seen[..., None]
        frame = offset_loss(logits, heard, spec.neighbour_share, batch.seen)
        pairs = counted.sum(dim=1)
        means = _WHOLE_WINDOW_SHARPNESS * (logits * counted).sum(dim=1) / pairs.clamp(min=1)
        there = pairs[:, LARGEST_OFFSET] > 0
        whole = offset_loss(means, pairs > 0, spec.neighbour_share, there)
        found = means.masked_fill(pairs == 0, -torch.inf).argmax(dim=1) - LARGEST_OFFSET
        return {
            "loss": frame + spec.whole_window_weight * whole,
            "frame": frame,
            "whole_window": whole,
            "found_share": ((found.abs() <= 1) & there).sum() / there.sum().clamp(min=1),
        }


def offset_cosines(expert: SyncExpert, pictures: Tensor, log_mel: Tensor, first: Tensor) -> Tensor:
    """Return the cosines (W, T, 2 LARGEST_OFFSET + 1) of each run of frames and the sound at each offset."""
    runs = pictures.unfold(1, FRAMES, 1).permute(0, 1, 4, 2, 3)
    mouths = expert.embed_mouths(runs.flatten(0, 1)).view(*runs.shape[:2], -1)
    sounds = expert.embed_sounds(log_mel, first)
    return torch.einsum("wtd,wtdk->wtk", mouths, sounds.unfold(1, 2 * LARGEST_OFFSET + 1, 1))


def offset_loss(logits: Tensor, heard: Tensor, neighbour_share: float, counted: Tensor) -> Tensor:
    """Return the mean cross-entropy of offsets where the middle is right, its neighbours a little.

    Args:
        logits: (..., 2 LARGEST_OFFSET + 1).
        heard: bool likewise, at which offsets there is sound.
        neighbour_share: how much each neighbour counts as right.
        counted: bool (...), what the mean is over; 0 if it is over nothing.
    """
    target = torch.zeros_like(logits)
    target[..., LARGEST_OFFSET - 1] = target[..., LARGEST_OFFSET + 1] = neighbour_share
    target = target * heard
    target[..., LARGEST_OFFSET] = 1 - target.sum(dim=-1)
    log_shares = functional.log_softmax(logits.masked_fill(~heard, -1e4), dim=-1)
    losses = -(target * log_shares).sum(dim=-1)
    return (losses * counted).sum() / counted.sum().clamp(min=1)
