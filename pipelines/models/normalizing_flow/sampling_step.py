"""One autoregressive step of a batch of sequences over buffers that stay where they are, recorded as a CUDA graph on an accelerator."""

from __future__ import annotations

import torch
from torch import Tensor

from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow

_WARM_UP_STEPS = 3


class SamplingStep:
    """Draws the next frame of `batch` sequences and moves it into their history.

    Fill `source` and `emotion` once a sequence; `audio` and `z` before each frame; then call it. Buffers must be filled in place
    (`copy_`), on the flow's device. The flow must not change meanwhile: the step has weights of its own, folded.

        step = SamplingStep(flow, batch=64)
        step.source.copy_(source); step.emotion.copy_(emotion); step.restart()
        for t in range(frames):
            step.audio.copy_(windows[:, t]); step.z.copy_(latents[:, t])
            betas.append(step().clone())

    Args:
        flow: the flow; it is prepared for sampling.
        batch: sequences.
        low: (F,) coefficients that the history does not fall below; None for no bound.
        high: (F,) likewise above.

    Attributes:
        audio: (batch, 2r+1, W) features, or None.
        source: (batch, F) raw coefficients, or None.
        emotion: (batch, E) weights.
        z: (batch, F) latent codes.
        past: (batch, tau, F) raw coefficients, oldest first.
        beta: (batch, F), the result: overwritten by the next step.
    """

    def __init__(self, flow: CoefficientFlow, batch: int, low: Tensor | None = None, high: Tensor | None = None) -> None:
        config, device = flow.config, flow.center.device
        flow.prepare_for_sampling()
        self._flow, self._low, self._high = flow, low, high
        self.audio = torch.zeros(batch, 2 * config.audio_radius_frames + 1, config.width, device=device) if config.has_audio else None
        self.source = flow.center.expand(batch, -1).clone() if config.has_source else None
        self.emotion = torch.full((batch, config.emotions), 1 / config.emotions, device=device)
        self.z = torch.zeros(batch, config.features, device=device)
        self.past = torch.empty(batch, config.past_frames, config.features, device=device)
        self.beta = torch.zeros(batch, config.features, device=device)
        self.restart()
        self._graph = self._recorded() if device.type == "cuda" else None

    def restart(self) -> None:
        """Forget the history: all of it becomes the flow's `center`."""
        self.past.copy_(self._flow.center.expand_as(self.past))

    def __call__(self) -> Tensor:
        """Return `beta` (batch, F) of the next frame, raw coefficients."""
        if self._graph is None:
            self._advance()
        else:
            self._graph.replay()
        return self.beta

    @torch.no_grad()
    def _advance(self) -> None:
        context = self._flow.encode_context(self.audio, self.past, self.source, self.emotion)
        beta = self._flow.from_latent(self.z, context)
        self.beta.copy_(beta)
        if self._low is not None or self._high is not None:
            beta = beta.clamp(self._low, self._high)
        self.past.copy_(self._flow.next_past(self.past, beta))

    def _recorded(self) -> torch.cuda.CUDAGraph:
        """Record one step; steps before it, on a stream of their own, let libraries allocate what they need."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call] # torch does not annotate it
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_STEPS):
                self._advance()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._advance()
        self.restart()
        return graph
