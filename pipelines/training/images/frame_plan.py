"""Which frames are in which batch: a function of seed and step alone, so that training goes on anywhere without reading what went before.

An epoch permutes the parts and loads some of them at a time (a *buffer*); the frames of a buffer are shuffled and dealt into batches.
"""

from __future__ import annotations

import numpy as np

from pipelines.training.coefficient_sequences import SequenceTable
from pipelines.training.window_plan import Buffer, IntArray, generator, grouped

BUFFER_FRAMES = 30_000
"""Frames that are in memory at a time as JPEG, twice over while the next ones are read: about 1.8 GB each at 512 px."""

_ORDER = 11


class FramePlan:
    """The plan for a table, a size of batch and a seed.

    Args:
        table: the training split.
        batch_frames: frames in a batch.
        seed: of the order.
        buffer_frames: parts are loaded together until they have this many frames.
    """

    def __init__(self, table: SequenceTable, batch_frames: int, seed: int, buffer_frames: int = BUFFER_FRAMES) -> None:
        self._table, self._batch_frames, self._seed, self._buffer_frames = table, batch_frames, seed, buffer_frames
        self._epochs: dict[int, list[Buffer]] = {}
        self._steps_an_epoch = 0

    def buffer(self, step: int) -> Buffer:
        """Return the buffer that a step takes its batch from."""
        epoch, first = 0, 0
        while True:
            buffers = self._epoch(epoch, first)
            following = buffers[-1].first_step + buffers[-1].batches
            if step < following:
                return next(buffer for buffer in reversed(buffers) if buffer.first_step <= step)
            epoch, first = epoch + 1, following

    def following(self, buffer: Buffer) -> Buffer:
        """Return the buffer after one."""
        return self.buffer(buffer.first_step + buffer.batches)

    def batch(self, buffer: Buffer, step: int) -> IntArray:
        """Return the frames of a step's batch: their numbers among those of `buffer.rows`, one after the other."""
        frames = int(self._table.frames[buffer.rows].sum())
        order = generator(self._seed, buffer.epoch, buffer.number, _ORDER).permutation(frames)
        first = (step - buffer.first_step) * self._batch_frames
        return np.asarray(np.take(order, np.arange(first, first + self._batch_frames), mode="wrap"))

    def _epoch(self, epoch: int, first_step: int) -> list[Buffer]:
        if epoch not in self._epochs:
            order = generator(self._seed, epoch, 0, 0).permutation(self._table.parts)
            buffers: list[Buffer] = []
            for number, parts in enumerate(grouped(order, self._table.part_frames(), self._buffer_frames)):
                rows = np.concatenate([self._table.part_rows(part) for part in parts])
                batches = max(1, int(self._table.frames[rows].sum()) // self._batch_frames)
                buffers.append(Buffer(epoch, number, rows, first_step, batches))
                first_step += batches
            self._epochs[epoch] = buffers
        return self._epochs[epoch]
