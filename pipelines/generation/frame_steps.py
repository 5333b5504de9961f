"""One step of sampling: as it is on the CPU, as a recorded graph on an accelerator, where starting kernels costs more than running them."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow

_WARM_UP_RUNS = 3


class FrameStep(Protocol):
    """Draws one frame of some items."""

    def __call__(self, audio: Tensor | None, past: Tensor, source: Tensor | None, emotion: Tensor, latents: Tensor) -> Tensor:
        """Return (n, features) coefficients; arguments as of `CoefficientFlow.encode_context`, and latents (n, features)."""
        ...


class EagerStep:
    """Runs the network's operations one by one.

    Args:
        flow: in evaluation mode.
    """

    def __init__(self, flow: CoefficientFlow) -> None:
        self._flow = flow

    def __call__(self, audio: Tensor | None, past: Tensor, source: Tensor | None, emotion: Tensor, latents: Tensor) -> Tensor:
        """See `FrameStep`."""
        return self._flow.from_latent(latents, self._flow.encode_context(audio, past, source, emotion))


class GraphedStep:
    """Replays the operations that were recorded for the largest batch; smaller ones fill a part of it.

    Args:
        flow: in evaluation mode, on a CUDA device.
    """

    def __init__(self, flow: CoefficientFlow) -> None:
        self._eager = EagerStep(flow)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: list[Tensor | None] = []
        self._output = torch.empty(0)

    def __call__(self, audio: Tensor | None, past: Tensor, source: Tensor | None, emotion: Tensor, latents: Tensor) -> Tensor:
        """See `FrameStep`."""
        given = [audio, past, source, emotion, latents]
        if self._graph is None or len(past) > len(self._output):
            self._record(given)
        for buffer, values in zip(self._inputs, given, strict=True):
            if buffer is not None and values is not None:
                buffer[: len(values)].copy_(values)
        assert self._graph is not None  # noqa: S101 - recorded above
        self._graph.replay()
        return self._output[: len(past)].clone()

    def _record(self, given: list[Tensor | None]) -> None:
        self._inputs = [None if values is None else values.clone() for values in given]
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_RUNS):
                self._run()
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._output = self._run()

    def _run(self) -> Tensor:
        audio, past, source, emotion, latents = self._inputs
        assert past is not None and emotion is not None and latents is not None  # noqa: S101, PT018 - every flow has them
        return self._eager(audio, past, source, emotion, latents)


def make_step(flow: CoefficientFlow) -> FrameStep:
    """Return the faster step for the flow's device."""
    return GraphedStep(flow) if flow.center.device.type == "cuda" else EagerStep(flow)
