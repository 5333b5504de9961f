"""The coefficient generator: sequences of expression and pose for many items at once, whole or as a stream.

    generator = CoefficientGenerator(expflow, poseflow)
    results = generator.generate([GenerationRequest("hello", audio=AudioFile(path), emotion="happy", seed=7)])

An item's result depends on its request and the models alone: not on the other items, their order or the size of the chunks (to the
rounding of matrix products).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.generation.item_planning import PLACE, ItemPlanner, PlannedItem, SamplingSettings
from pipelines.generation.latent_sources import to_and_fro
from pipelines.generation.request import FailedItem, GeneratedSequence, GenerationRequest, SequenceChunk
from pipelines.generation.sequence_sampling import SequenceBatch
from storage_schemas.errors import BadInputError, ItemRejectedError

Float32Array = NDArray[np.float32]

CHUNK_FRAMES = 250
ITEMS_AT_ONCE = 256


class CoefficientGenerator:
    """Draws sequences from a trained ExpFlow and, for head movement, a trained PoseFlow.

    The models' networks are put into evaluation mode and moved to the device.

    Args:
        expflow: draws expressions.
        poseflow: draws poses; None: poses must be given or fixed.
        device: where the networks run.
        settings: correlation in time, and the range that is kept to.
        items_at_once: more requests are handled in groups of so many, longest first.
    """

    def __init__(
        self,
        expflow: CoefficientModel,
        poseflow: CoefficientModel | None = None,
        device: torch.device | str = "cpu",
        settings: SamplingSettings | None = None,
        items_at_once: int = ITEMS_AT_ONCE,
    ) -> None:
        for model in (expflow, poseflow):
            if model is not None:
                model.flow.to(device).eval()
                model.flow.prepare_for_sampling()
        self.expflow = expflow
        self.poseflow = poseflow
        self.settings = settings or SamplingSettings()
        self._planner = ItemPlanner(expflow, poseflow, self.settings)
        self._items_at_once = items_at_once

    def generate(self, requests: Sequence[GenerationRequest]) -> list[GeneratedSequence | FailedItem]:
        """Return every item whole, in the order of the requests; one that cannot be generated is a `FailedItem`."""
        chunks: list[list[SequenceChunk]] = [[] for _ in requests]
        failed: dict[int, FailedItem] = {}
        for found in self.stream(requests):
            if isinstance(found, FailedItem):
                failed[found.index] = found
            else:
                chunks[found.index].append(found)
        return [failed[index] if index in failed else _joined(pieces) for index, pieces in enumerate(chunks)]

    def stream(self, requests: Sequence[GenerationRequest], chunk_frames: int = CHUNK_FRAMES) -> Iterator[SequenceChunk | FailedItem]:
        """Yield runs of frames of every item as they are drawn; those of one item in order.

        Memory does not grow with the length of the items if their audio is an `AudioFile`.

        Args:
            requests: items of any lengths.
            chunk_frames: frames of a run.
        """
        if chunk_frames < 1:
            raise ValueError(f"chunk_frames must be at least 1, got {chunk_frames}")
        lengths = [_length_or_zero(request) for request in requests]
        order = sorted(range(len(requests)), key=lambda index: -lengths[index])
        for start in range(0, len(order), self._items_at_once):
            items: list[PlannedItem] = []
            for index in order[start : start + self._items_at_once]:
                planned = self._plan(requests[index], index)
                if isinstance(planned, FailedItem):
                    yield planned
                else:
                    items.append(planned)
            if items:
                yield from self._stream_group(items, chunk_frames)

    def _plan(self, request: GenerationRequest, index: int) -> PlannedItem | FailedItem:
        try:
            return self._planner.plan(request, index)
        except (BadInputError, ItemRejectedError) as error:
            return FailedItem(request.item_id, index, f"item {request.item_id!r}: {error}")

    def _stream_group(self, items: list[PlannedItem], chunk_frames: int) -> Iterator[SequenceChunk | FailedItem]:
        """Yield the chunks of items that are drawn together, the longest first."""
        expressions = SequenceBatch(self.expflow.flow, [item.expression for item in items])
        moving = [item for item in items if item.pose is not None]
        poses = None
        if self.poseflow is not None and moving:
            poses = SequenceBatch(self.poseflow.flow, [item.pose for item in moving if item.pose is not None])
        for first in range(0, items[0].frames, chunk_frames):
            drawn = dict(zip([item.index for item in items], expressions.advance(chunk_frames), strict=True))
            turned = dict(zip([item.index for item in moving], poses.advance(chunk_frames), strict=True)) if poses is not None else {}
            for item in list(items):
                if not len(drawn[item.index]):
                    continue
                problem = _problem(item, drawn[item.index], turned.get(item.index))
                if problem:
                    yield FailedItem(item.request.item_id, item.index, f"item {item.request.item_id!r}: {problem}")
                    expressions.drop(items.index(item))
                    items.remove(item)
                    if item in moving and poses is not None:
                        poses.drop(moving.index(item))
                        moving.remove(item)
                    continue
                yield self._chunk(item, first, drawn[item.index], turned.get(item.index))
            if not items:
                return

    def _chunk(self, item: PlannedItem, first: int, beta: Float32Array, rho: Float32Array | None) -> SequenceChunk:
        frames = len(beta)
        if self.expflow.blinks is not None:
            beta = self.expflow.blinks.apply(beta, item.closure(first, frames))
        if rho is None:
            rho = item.rho[to_and_fro(len(item.rho), first, frames)]
        elif item.request.source_rho is not None and self.poseflow is not None:
            rho = rho.copy()
            rho[:, PLACE] += item.request.source_rho[PLACE] - self.poseflow.resting[PLACE]
        return SequenceChunk(item.request.item_id, item.index, first, beta, rho, item.emotion, is_last=first + frames >= item.frames)


def _length_or_zero(request: GenerationRequest) -> int:
    try:
        return request.length
    except BadInputError:  # said again, with the item's name, when it is planned
        return 0


def _problem(item: PlannedItem, beta: Float32Array, rho: Float32Array | None) -> str:
    if item.audio is not None and item.audio.problem:
        return item.audio.problem
    if not np.isfinite(beta).all() or (rho is not None and not np.isfinite(rho).all()):
        return "the model gave values that are not finite; its training has probably diverged"
    return ""


def _joined(chunks: list[SequenceChunk]) -> GeneratedSequence:
    beta, rho = (np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in ("beta", "rho"))
    return GeneratedSequence(chunks[0].item_id, beta, rho, chunks[0].emotion)
