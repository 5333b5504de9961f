"""Coefficients and frames of prepared clips: what of rendering is computed, without the files around it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.generation.generator import CoefficientGenerator
from pipelines.generation.request import FailedItem
from pipelines.rendering.batch.clip_sources import PreparedClip
from pipelines.rendering.batch.coefficient_spool import CoefficientSpool
from pipelines.rendering.batch.frame_batches import Run, frame_batches
from pipelines.rendering.batch.render_models import RenderModels
from pipelines.rendering.frame_generator import FrameGenerator, PortraitCode, Precision, RenderSettings
from storage_schemas.render_request import RenderOptions

_PORTRAITS_KEPT = 16


@dataclass(frozen=True, eq=False)
class DrawnClip:
    """A clip whose coefficients are on disk."""

    prepared: PreparedClip
    spool: CoefficientSpool


@dataclass(frozen=True)
class UndrawnClip:
    """A clip whose coefficients could not be drawn: its place in the list that was given, and why."""

    place: int
    message: str


class ClipMaker:
    """Draws coefficients and makes frames for many clips at once; the networks are on the device for as long as it lives.

    Args:
        models: trained networks.
        options: how clips are made.

    Attributes:
        portraits_encoded: how often a portrait was encoded.
    """

    def __init__(self, models: RenderModels, options: RenderOptions) -> None:
        self._options = options
        self._coefficients = CoefficientGenerator(models.expflow, models.poseflow, options.device, items_at_once=options.group_clips)
        self._generator = FrameGenerator(models.frames, _frame_settings(options))
        self._codes: OrderedDict[str, PortraitCode] = OrderedDict()
        self.portraits_encoded = 0

    def draw(self, clips: Sequence[PreparedClip], folder: Path) -> tuple[list[DrawnClip], list[UndrawnClip]]:
        """Draw the coefficients of clips together.

        Args:
            clips: a group.
            folder: for the files that they go to.

        Returns:
            Clips whose coefficients are there, in order, and the others.
        """
        drawn = [DrawnClip(clip, CoefficientSpool(folder / f"coefficients-{place}.f32")) for place, clip in enumerate(clips)]
        failed: dict[int, UndrawnClip] = {}
        for found in self._coefficients.stream([clip.request for clip in clips]):
            if isinstance(found, FailedItem):
                failed[found.index] = UndrawnClip(found.index, found.message)
            else:
                drawn[found.index].spool.append(found.beta, clips[found.index].portrait.placed(found.rho))
        return [clip for place, clip in enumerate(drawn) if place not in failed], list(failed.values())

    def frames(self, clips: Sequence[DrawnClip], wanted: Collection[int]) -> Iterator[tuple[list[Run], NDArray[np.uint8]]]:
        """Yield batches of frames (n, size, size, 3) RGB, and whose they are.

        Args:
            clips: a group.
            wanted: places of the clips whose frames are wanted; frames of others come along where they share a batch.
        """
        before: tuple[list[Run], _Delivery] | None = None
        for runs in frame_batches([clip.spool.frames for clip in clips], wanted, self._options.batch_frames):
            codes = [code for run in runs for code in [self._code(clips[run.clip].prepared)] * run.length]
            windows = [clips[run.clip].spool.windows(run.first, run.length, self._generator.window) for run in runs]
            delivery = _Delivery(self._generator.mixed(codes, np.concatenate(windows)))
            if before is not None:  # a GPU makes the next batch while this one is taken away
                yield before[0], before[1].frames()
            before = runs, delivery
        if before is not None:
            yield before[0], before[1].frames()

    def _code(self, clip: PreparedClip) -> PortraitCode:
        """Return the encoded portrait of a clip."""
        sha256 = clip.named.hashes["portrait"]
        if sha256 not in self._codes:
            self._codes[sha256] = self._generator.encode(clip.portrait)
            self.portraits_encoded += 1
        self._codes.move_to_end(sha256)
        while len(self._codes) > _PORTRAITS_KEPT:
            self._codes.popitem(last=False)
        return self._codes[sha256]


class _Delivery:
    """Frames on their way from the device to the processor's memory."""

    def __init__(self, frames: Tensor) -> None:
        self._event: torch.cuda.Event | None = None
        self._host = frames
        if frames.is_cuda:
            self._host = torch.empty(frames.shape, dtype=frames.dtype, pin_memory=True)
            self._host.copy_(frames, non_blocking=True)
            self._event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._event.record()

    def frames(self) -> NDArray[np.uint8]:
        """Wait until they are there."""
        if self._event is not None:
            self._event.synchronize()
        array: NDArray[np.uint8] = self._host.numpy()
        return array


def _frame_settings(options: RenderOptions) -> RenderSettings:
    return RenderSettings(options.device, Precision(options.precision), options.batch_frames, options.compiled, options.cuda_graphs)
