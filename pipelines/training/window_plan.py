"""Which windows are in which batch: a function of seed and step alone, so that training goes on anywhere without reading what went before.

An epoch permutes the parts and loads some of them at a time (a *buffer*); the windows of a buffer are shuffled and dealt into batches.
How many windows a sequence has depends on its length alone, so the plan of an epoch is known before anything is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.training.coefficient_sequences import SequenceTable

IntArray = NDArray[np.int64]

BUFFER_FRAMES = 400_000
"""Frames that are held in memory at a time, twice over while the next ones are read: about 0.5 GB each."""


PHASES = 5
"""Frames after which log-mel columns, 3.2 a frame, fall on the same places again."""


_BEYOND_ENDS = 0.75
"""How far before and after a sequence windows are drawn, in windows, before they are moved into it."""


@dataclass(frozen=True)
class Buffer:
    """Some parts that are in memory together.

    Attributes:
        epoch, number: which one.
        rows: of the table, in the order of the parts.
        first_step: of the steps that take their batches from it.
        batches: number of those.
    """

    epoch: int
    number: int
    rows: IntArray
    first_step: int
    batches: int


def generator(*key: int) -> np.random.Generator:
    """Return a random generator that is the same for the same numbers, on every machine."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(key)))


def in_phase(starts: IntArray, phase: int) -> IntArray:
    """Return the frames nearest to `starts` that are `phase` modulo PHASES; at most 2 away."""
    return starts + PHASES // 2 - (starts + PHASES // 2 - phase) % PHASES


class WindowPlan:
    """The plan for a table, a seed and a size of batch.

    Args:
        table: the training split.
        window_frames: target frames of a window.
        batch_windows: windows in a batch.
        seed: of the order.
        buffer_frames: parts are loaded together until they have this many frames.
    """

    def __init__(self, table: SequenceTable, window_frames: int, batch_windows: int, seed: int, buffer_frames: int = BUFFER_FRAMES) -> None:
        self._table = table
        self._window_frames, self._batch_windows, self._seed, self._buffer_frames = window_frames, batch_windows, seed, buffer_frames
        self._windows = np.maximum(1, np.rint(table.frames / window_frames)).astype(np.int64)
        self._buffers: list[Buffer] = []

    def buffer(self, step: int) -> Buffer:
        """Return the buffer that a step takes its batch from."""
        if not self._buffers or step < self._buffers[0].first_step:
            self._buffers = self._epoch(0, 0)
        while step >= self._buffers[-1].first_step + self._buffers[-1].batches:
            last = self._buffers[-1]
            kept = [buffer for buffer in self._buffers if buffer.epoch == last.epoch]  # who asks ahead will come back
            self._buffers = kept + self._epoch(last.epoch + 1, last.first_step + last.batches)
        return next(buffer for buffer in reversed(self._buffers) if buffer.first_step <= step)

    def following(self, buffer: Buffer) -> Buffer | None:
        """Return the buffer after one; None if it has the same rows."""
        following = self.buffer(buffer.first_step + buffer.batches)
        return None if np.array_equal(following.rows, buffer.rows) else following

    def batch(self, buffer: Buffer, step: int) -> tuple[IntArray, IntArray]:
        """Return the batch of a step: position in `buffer.rows` and first target frame of each window.

        Windows start anywhere, and those at the ends of a sequence as often as it takes for its first and last frames to be seen as
        often as the others; one that is shorter than a window starts at its beginning. All starts of a batch are the same modulo
        `PHASES`, so that one gather cuts the sound of all; this may put a window up to 2 frames beyond either end.
        """
        random = generator(self._seed, buffer.epoch, buffer.number, 1)
        windows = self._windows[buffer.rows]
        positions = np.repeat(np.arange(len(windows)), windows)
        room = np.maximum(0, self._table.frames[buffer.rows][positions] - self._window_frames)
        beyond = _BEYOND_ENDS * self._window_frames
        drawn = np.floor((room + 2 * beyond) * random.random(len(positions)) - beyond)
        starts = np.clip(drawn, 0, room).astype(np.int64)
        order = random.permutation(len(positions))
        phases = random.integers(0, PHASES, buffer.batches)
        number = step - buffer.first_step
        first = number * self._batch_windows
        chosen = np.take(order, np.arange(first, first + self._batch_windows), mode="wrap")  # wraps where there is less than a batch
        return positions[chosen], in_phase(starts[chosen], int(phases[number]))

    def _epoch(self, epoch: int, first_step: int) -> list[Buffer]:
        order = generator(self._seed, epoch, 0, 0).permutation(self._table.parts)
        buffers: list[Buffer] = []
        for number, parts in enumerate(grouped(order, self._table.part_frames(), self._buffer_frames)):
            rows = np.concatenate([self._table.part_rows(part) for part in parts])
            batches = max(1, int(self._windows[rows].sum()) // self._batch_windows)
            buffers.append(Buffer(epoch, number, rows, first_step, batches))
            first_step += batches
        return buffers


def grouped(order: IntArray, part_frames: IntArray, buffer_frames: int) -> list[list[int]]:
    """Cut the parts into runs of at least `buffer_frames` frames; all in one, in their own order, where they have no more together."""
    if part_frames.sum() <= buffer_frames:
        return [list(range(len(order)))]  # stays in memory from epoch to epoch
    groups: list[list[int]] = [[]]
    frames = 0
    for part in order.tolist():
        if frames >= buffer_frames:
            groups.append([])
            frames = 0
        groups[-1].append(part)
        frames += int(part_frames[part])
    return groups
