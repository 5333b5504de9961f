"""CUDA graphs: the work of a batch is recorded once and replayed, which spares the processor the launching of its kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

_WARM_UP_RUNS = 3


class RecordedBatch:
    """A function of tensors, recorded for inputs of one shape.

    Args:
        work: takes the inputs, returns a tensor, does nothing that waits for the device.
        inputs: tensors, None, and tuples of them; later ones must have the same shapes.
    """

    def __init__(self, work: Callable[..., Tensor], inputs: tuple[Any, ...]) -> None:
        self._inputs = _cloned(inputs)
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_RUNS):
                work(*self._inputs)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._output = work(*self._inputs)

    def __call__(self, inputs: tuple[Any, ...]) -> Tensor:
        """Return the result for inputs; it is overwritten by the next call."""
        for own, given in zip(tensors_of(self._inputs), tensors_of(inputs), strict=True):
            own.copy_(given)
        self._graph.replay()
        return self._output


def tensors_of(value: Any) -> Iterator[Tensor]:  # noqa: ANN401 - nested tuples have no type of their own
    """Yield the tensors of nested tuples in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from tensors_of(part)


def _cloned(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, tuple):
        parts = [_cloned(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value
