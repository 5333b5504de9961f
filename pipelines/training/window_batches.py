"""Batches of windows as tensors, and what is done to them in training: hidden past, noise, changed sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.training.buffered_reading import BufferedReading
from pipelines.training.coefficient_sequences import SequenceSource, SequenceTable
from pipelines.training.loaded_sequences import LoadedSequences
from pipelines.training.source_faces import ReadValues, SourceFaces
from pipelines.training.window_plan import IntArray, WindowPlan, generator

COVERING_FRAMES = 30
"""Target frames of windows that cover whole sequences; a multiple of `window_plan.PHASES`."""

_SOURCES = 2


@dataclass(frozen=True)
class WindowBatch:
    """W windows of T target frames, P frames before each.

    Attributes:
        values: float32 (W, P + T, F) raw coefficients.
        known: bool (W, P + T), False beyond the ends of the sequence.
        usable: bool (W, T), which target frames count.
        emotion: int64 (W,), index into EMOTIONS.
        source: float32 (W, F) source faces; None: not wanted.
        log_mel: float32 (W, columns, 80); None: no sound.
        mel_frame: see `loaded_sequences.Windows`.
    """

    values: Tensor
    known: Tensor
    usable: Tensor
    emotion: Tensor
    source: Tensor | None
    log_mel: Tensor | None
    mel_frame: int

    def to(self, device: torch.device) -> WindowBatch:
        """Return the batch on a device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def select(self, rows: slice) -> WindowBatch:
        """Return some of the windows."""
        return self._each(lambda tensor: tensor[rows])

    def without_past(self) -> WindowBatch:
        """Return the batch with every past frame hidden."""
        return replace(self, known=torch.zeros_like(self.known))

    def _each(self, change: Callable[[Tensor], Tensor]) -> WindowBatch:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        changed: dict[str, Any] = {name: change(value) if isinstance(value, Tensor) else value for name, value in values.items()}
        return WindowBatch(**changed)


@dataclass(frozen=True)
class WindowShape:
    """What a network needs of each window: frames before it, target frames, frames of sound around these, and whether a source face."""

    past: int
    target: int
    margin: int
    with_source: bool


class TrainingWindows:
    """The batches of a training split, by step. While one buffer is used, the next is read by a thread.

    Args:
        source: where the sequences are.
        table: the training split.
        plan: which windows are in which batch.
        shape: of windows.
        values: what of a sequence is modelled.
        seed: of the choice of source faces.
    """

    def __init__(
        self, source: SequenceSource, table: SequenceTable, plan: WindowPlan, shape: WindowShape, values: ReadValues, seed: int
    ) -> None:
        self._source, self._table, self._plan, self._shape, self._values, self._seed = source, table, plan, shape, values, seed
        self._faces = SourceFaces(source, [table], values)
        self._reading = BufferedReading(plan, self._read)

    def batch(self, step: int) -> WindowBatch:
        """Return the batch of a step."""
        buffer = self._plan.buffer(step)
        loaded = self._reading.loaded(buffer)
        sequence, start = self._plan.batch(buffer, step)
        faces = self._faces if self._shape.with_source else None
        return cut_batch(loaded, sequence, start, self._shape, faces, generator(self._seed, step, _SOURCES))

    def close(self) -> None:
        """End the thread."""
        self._reading.close()

    def _read(self, rows: IntArray) -> LoadedSequences:
        return load(self._source, self._table, rows, self._values)


def load(source: SequenceSource, table: SequenceTable, rows: IntArray, values: ReadValues) -> LoadedSequences:
    """Read some rows of a table into memory."""
    sequences = source.read(table, rows)
    return LoadedSequences(sequences, [values(sequence) for sequence in sequences])


def cut_batch(
    loaded: LoadedSequences,
    sequence: IntArray,
    start: IntArray,
    shape: WindowShape,
    faces: SourceFaces | None,
    random: np.random.Generator,
) -> WindowBatch:
    """Cut windows and give each a source face of its speaker."""
    windows = loaded.windows(sequence, start, past=shape.past, target=shape.target, margin=shape.margin)
    source = None if faces is None else faces.draw([loaded.speakers[number] for number in sequence], random)
    return WindowBatch(
        torch.from_numpy(windows.values),
        torch.from_numpy(windows.known),
        torch.from_numpy(windows.usable[:, shape.past :]),
        torch.from_numpy(windows.emotion),
        None if source is None else torch.from_numpy(source),
        None if windows.log_mel is None else torch.from_numpy(windows.log_mel),
        windows.mel_frame,
    )


def covering_windows(frames: IntArray) -> tuple[IntArray, IntArray]:
    """Return (sequence, start) of windows of COVERING_FRAMES frames that cover sequences of so many frames end to end."""
    starts = [np.arange(0, max(1, length), COVERING_FRAMES) for length in frames.tolist()]
    sequence = np.repeat(np.arange(len(starts)), [len(item) for item in starts])
    return sequence, np.concatenate(starts)
