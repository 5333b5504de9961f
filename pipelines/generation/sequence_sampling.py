"""Drawing sequences frame by frame from one flow, many items at once.

    z_t -> beta_t = f(z_t; audio around t, beta_{t-tau..t-1}, source, emotion)

What is drawn is held to the range of the training clips, a little widened: the history of the next frame then never lies where the
network has seen nothing, so that errors cannot build up over minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.generation.audio_features import AudioFeatures
from pipelines.generation.audio_windows import audio_windows
from pipelines.generation.frame_steps import FrameStep, make_step
from pipelines.generation.latent_sources import LatentSource
from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SequencePlan:
    """One item as a flow sees it.

    Attributes:
        frames: length of the sequence.
        audio: None where the flow has none.
        emotion: (E,) float32 weights.
        source: (features,) float32; None where the flow has none.
        latents: of the item alone.
        lowest, highest: (features,) float32, what its coefficients are held to.
        warm_up: frames drawn and thrown away before the first, with the first frame's sound.
    """

    frames: int
    audio: AudioFeatures | None
    emotion: Float32Array
    source: Float32Array | None
    latents: LatentSource
    lowest: Float32Array
    highest: Float32Array
    warm_up: int = 0


class SequenceBatch:
    """Items that are drawn together; each is as it would be alone.

    Args:
        flow: in evaluation mode and prepared for sampling.
        plans: the longest first.
    """

    def __init__(self, flow: CoefficientFlow, plans: Sequence[SequencePlan]) -> None:
        self._flow = flow
        self._plans = list(plans)
        device = flow.center.device
        self._emotion = torch.from_numpy(np.stack([plan.emotion for plan in plans])).to(device)
        self._source = self._stacked([plan.source for plan in plans]) if flow.config.has_source else None
        self._lowest, self._highest = (self._stacked([getattr(plan, name) for plan in plans]) for name in ("lowest", "highest"))
        self._past = flow.center.expand(len(plans), flow.config.past_frames, -1).clone()
        self._next = 0
        self._step: FrameStep = make_step(flow)

    def drop(self, row: int) -> None:
        """Leave an item out from now on."""
        kept = [other for other in range(len(self._plans)) if other != row]
        self._plans = [self._plans[other] for other in kept]
        self._emotion, self._past, self._lowest, self._highest = (
            tensor[kept] for tensor in (self._emotion, self._past, self._lowest, self._highest)
        )
        self._source = None if self._source is None else self._source[kept]

    @torch.inference_mode()
    def advance(self, frames: int) -> list[Float32Array]:
        """Draw the next frames.

        Returns:
            For each item (n, features) float32 with n = `frames`, or what is left of its sequence.
        """
        if self._next == 0:
            self._warm_up()
        first, end = self._next, self._next + frames
        counts = [max(0, min(end, plan.frames) - first) for plan in self._plans]
        active = sum(count > 0 for count in counts)
        windows = self._windows(active, first, end)
        latents = [plan.latents.draw(count) for plan, count in zip(self._plans[:active], counts, strict=False)]
        drawn = self._draw(counts[:active], windows, latents)
        self._next = end
        return [drawn[row, : counts[row]].cpu().numpy() for row in range(active)] + [
            np.zeros((0, self._flow.config.features), np.float32) for _ in self._plans[active:]
        ]

    def _warm_up(self) -> None:
        """Bring the histories from nothing to where sequences of such items usually are."""
        for warm_up in sorted({plan.warm_up for plan in self._plans} - {0}):
            rows = [row for row, plan in enumerate(self._plans) if plan.warm_up == warm_up]
            latents = torch.stack([self._plans[row].latents.draw(warm_up) for row in rows])
            windows = self._first_windows(rows)
            past = self._past[rows]
            for frame in range(warm_up):
                values = self._frame(rows, None if windows is None else windows, past, latents[:, frame])
                past = self._flow.next_past(past, values)
            self._past[rows] = past

    def _first_windows(self, rows: list[int]) -> Tensor | None:
        if not self._flow.config.has_audio:
            return None
        plans = [self._plans[row] for row in rows]
        return torch.stack([window[0] for window in audio_windows(self._flow, *_sounds(plans), 0, 1)])

    def _windows(self, active: int, first: int, end: int) -> list[Tensor] | None:
        if not self._flow.config.has_audio or not active:
            return None
        return audio_windows(self._flow, *_sounds(self._plans[:active]), first, end)

    def _draw(self, counts: list[int], windows: list[Tensor] | None, latents: list[Tensor]) -> Tensor:
        """Return (active items, longest count, features); rows of shorter items end in zeros."""
        longest = max(counts, default=0)
        features = self._flow.config.features
        padded_latents = _padded(latents, longest) if latents else torch.zeros(0, 0, features)
        padded_windows = None if windows is None else _padded(windows, longest)
        drawn = torch.zeros(len(counts), longest, features, device=self._flow.center.device)
        for frame in range(longest):
            active = sum(count > frame for count in counts)
            rows = slice(0, active)
            sound = None if padded_windows is None else padded_windows[rows, frame]
            values = self._frame(rows, sound, self._past[rows], padded_latents[rows, frame])
            drawn[rows, frame] = values
            self._past[rows] = self._flow.next_past(self._past[rows], values)
        return drawn

    def _frame(self, rows: slice | list[int], sound: Tensor | None, past: Tensor, latents: Tensor) -> Tensor:
        source = None if self._source is None else self._source[rows]
        values = self._step(sound, past, source, self._emotion[rows], latents)
        return values.clamp(self._lowest[rows], self._highest[rows])

    def _stacked(self, arrays: Sequence[Float32Array | None]) -> Tensor:
        present = [array for array in arrays if array is not None]
        return torch.from_numpy(np.stack(present)).to(self._flow.center.device)


def _sounds(plans: Sequence[SequencePlan]) -> tuple[list[AudioFeatures], list[int]]:
    return [plan.audio for plan in plans if plan.audio is not None], [plan.frames for plan in plans]


def _padded(pieces: Sequence[Tensor], frames: int) -> Tensor:
    padded = pieces[0].new_zeros(len(pieces), frames, *pieces[0].shape[1:])
    for row, piece in enumerate(pieces):
        padded[row, : len(piece)] = piece
    return padded
