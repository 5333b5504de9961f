"""Batches of frames as tensors, prepared by threads ahead of the steps that take them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipelines.models.motion_field import MotionFields
from pipelines.training.coefficient_sequences import SequenceTable
from pipelines.training.images.frame_plan import FramePlan
from pipelines.training.images.loaded_frames import FramePlace, LoadedFrames
from pipelines.training.images.version_frames import VersionFrames
from pipelines.training.window_plan import Buffer, IntArray, generator
from storage_schemas.image_runs import ImageTrainingSpec

_DRAWS = 12
_LEAST_THREADS, _MOST_THREADS = 2, 8


class FrameBatch(NamedTuple):
    """B frames; what only the generator needs is None for the codebook.

    Attributes:
        pictures: uint8 (B, size, size, 3) RGB.
        boxes: float32 (B, 3, 4) of eyes and mouth in shares of the side; NaN where no face was found.
        portraits: uint8 (B, size + 2 surroundings, likewise, 3), another frame of the same speaker and what is around it.
        windows: float32 (B, window, 70) coefficients around the frames, rho in units of the picture.
        portrait_coefficients: float32 (B, 70).
        identity: float32 (B, 80) of the portraits.
        codes: int64 (B, m, m), the target codes.
        portrait_codes: int64 (B, m, m), the codes of the portraits; None: they have to be computed.
        fields: motion from portrait to frame; None: it has to be drawn.
    """

    pictures: Tensor
    boxes: Tensor
    portraits: Tensor | None = None
    windows: Tensor | None = None
    portrait_coefficients: Tensor | None = None
    identity: Tensor | None = None
    codes: Tensor | None = None
    portrait_codes: Tensor | None = None
    fields: MotionFields | None = None

    def to(self, device: torch.device) -> FrameBatch:
        """Return the batch on a device."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def select(self, rows: slice) -> FrameBatch:
        """Return some of the frames."""
        return self._each(lambda tensor: tensor[rows])

    def _each(self, change: Callable[[Tensor], Tensor]) -> FrameBatch:
        tensors = (None if value is None else change(value) for value in self[:-1])
        fields = None if self.fields is None else MotionFields(*map(change, self.fields))
        return FrameBatch(*tensors)._replace(fields=fields)  # type: ignore[arg-type]  # the first two are there


@dataclass(frozen=True)
class FrameNeeds:
    """What a network needs of frames.

    Attributes:
        size_px: side of the pictures.
        motion_window: frames of coefficients around each; 0: pictures alone.
        surroundings_px: see `GeneratorSettings`.
    """

    size_px: int
    motion_window: int = 0
    surroundings_px: int = 0


Finish = Callable[[FrameBatch], FrameBatch]
"""Adds to a batch what the network would otherwise compute, in the threads that prepare batches."""

TargetCodes = Callable[[LoadedFrames], list[IntArray]]
"""Returns the target codes (frames, m, m) of each of the loaded clips."""


def batch_of(loaded: LoadedFrames, frames: list[FramePlace], portraits: list[FramePlace], needs: FrameNeeds) -> FrameBatch:
    """Return frames, and for the generator what moves a portrait to each, without target codes."""
    values: dict[str, Any] = {
        "pictures": torch.from_numpy(loaded.pictures(frames)),
        "boxes": _stacked([loaded.boxes(place) for place in frames]),
    }
    if needs.motion_window:
        values["portraits"] = torch.from_numpy(loaded.pictures(portraits, needs.surroundings_px))
        values["windows"] = _stacked([loaded.coefficients(place, needs.motion_window) for place in frames])
        values["portrait_coefficients"] = _stacked([loaded.coefficients(place)[0] for place in portraits])
        values["identity"] = _stacked([loaded.clips[place.clip].identity for place in portraits])
    return FrameBatch(**values)


def with_rare(numbers: IntArray, rare: Sequence[tuple[IntArray, float]], random: np.random.Generator) -> IntArray:
    """Return numbers of frames, some replaced by rare ones.

    Args:
        numbers: (batch,) of frames.
        rare: for each kind the numbers of its frames, and the share of the batch that is drawn among them; shares add up to 1 at most.
        random: where draws come from.
    """
    kind, which = random.random((len(numbers), 2)).T
    start = 0.0
    for frames, share in rare:
        if len(frames):
            chosen = (start <= kind) & (kind < start + share)
            numbers = np.where(chosen, frames[(which * len(frames)).astype(np.int64)], numbers)
        start += share
    return numbers


def _stacked(arrays: list[Any]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))


def decoding_threads() -> int:
    """Return how many threads of a process decode frames: half its processors, within limits."""
    return max(_LEAST_THREADS, min(_MOST_THREADS, (os.cpu_count() or 1) // 2))


class TrainingFrames:
    """The batches of a training split, by step; threads prepare the next ones, and read the next buffer.

    Args:
        source: where the frames are.
        table: the training split.
        spec: of the training.
        needs: of the network.
        target_codes: for the generator.
        finish: see there; None: nothing is added.
        workers: threads that decode; each prepares whole batches. 0: `decoding_threads`.
    """

    def __init__(
        self,
        source: VersionFrames,
        table: SequenceTable,
        spec: ImageTrainingSpec,
        needs: FrameNeeds,
        target_codes: TargetCodes | None = None,
        finish: Finish | None = None,
        workers: int = 0,
    ) -> None:
        self._source, self._table, self._spec, self._needs, self._target_codes = source, table, spec, needs, target_codes
        self._finish = finish
        self.plan = FramePlan(table, spec.batch_frames, spec.seed)
        workers = workers or decoding_threads()
        self.ahead = 2 * workers + 1
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._lock = Lock()
        self._buffers: dict[bytes, Future[tuple[LoadedFrames, list[IntArray]]]] = {}
        self._ahead: dict[tuple[int, int, int], Future[FrameBatch]] = {}

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> FrameBatch:
        """Return one process's share of the batch of a step."""
        for ahead in range(step, step + self.ahead):
            key = (ahead, rank, world_size)
            if key not in self._ahead:
                self._ahead[key] = self._pool.submit(self._made, *key)
        return self._ahead.pop((step, rank, world_size)).result()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)
        self._reader.shutdown(cancel_futures=True)

    def _made(self, step: int, rank: int, world_size: int) -> FrameBatch:
        buffer = self.plan.buffer(step)
        loaded, codes = self._loaded(buffer)
        numbers = self.plan.batch(buffer, step)
        random = generator(self._spec.seed, step, _DRAWS)
        if self._needs.motion_window:
            kinds = (loaded.closed, self._spec.closed_eyes_share), (loaded.open_mouthed, self._spec.open_mouth_share)
            numbers = with_rare(numbers, kinds, random)
        frames = [loaded.place(int(number)) for number in numbers]
        portraits = [loaded.draw_portrait(place, self._spec.other_clip_share, random) for place in frames]
        mine = slice(rank, None, world_size)
        batch = batch_of(loaded, frames[mine], portraits[mine], self._needs)
        if self._target_codes is None:
            return batch
        targets, own = (_stacked([codes[place.clip][place.frame] for place in places[mine]]).long() for places in (frames, portraits))
        batch = batch._replace(codes=targets, portrait_codes=own)
        return batch if self._finish is None else self._finish(batch)

    def _loaded(self, buffer: Buffer) -> tuple[LoadedFrames, list[IntArray]]:
        following = self.plan.following(buffer)
        with self._lock:
            wanted = {item.rows.tobytes(): item.rows for item in (buffer, following)}
            for key in [key for key in self._buffers if key not in wanted]:
                del self._buffers[key]
            for key, rows in wanted.items():
                if key not in self._buffers:
                    self._buffers[key] = self._reader.submit(self._read, rows)
            future = self._buffers[buffer.rows.tobytes()]
        return future.result()

    def _read(self, rows: IntArray) -> tuple[LoadedFrames, list[IntArray]]:
        loaded = LoadedFrames(self._source.read(self._table, rows), self._spec.window_iods, self._needs.size_px, self._source.crop_px)
        return loaded, [] if self._target_codes is None else self._target_codes(loaded)
