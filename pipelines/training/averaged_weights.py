"""An exponential moving average of a module's weights, which samples better than the weights of any one step."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class AveragedWeights:
    """The average of a module's parameters that training moves; buffers and frozen ones are those of the module itself.

    Args:
        module: whose weights are averaged from now on.
        decay: share of the old average in the new one; early on it is less, (1 + step) / (10 + step).
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self._decay = decay
        self._average = {name: parameter.detach().clone() for name, parameter in module.named_parameters() if parameter.requires_grad}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Take in the weights after a step (1, 2, ...)."""
        decay = min(self._decay, (1 + step) / (10 + step))
        names = list(self._average)
        parameters = dict(module.named_parameters())
        torch._foreach_lerp_([self._average[name] for name in names], [parameters[name] for name in names], 1 - decay)

    def tensors(self) -> dict[str, Tensor]:
        """Return the averages by name of parameter."""
        return self._average

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take averages that `tensors` returned."""
        for name, average in self._average.items():
            average.copy_(tensors[name])

    @torch.no_grad()
    def overwrite(self, name: str, rows: Tensor, parameter: Tensor) -> None:
        """Take some rows (bool) of a parameter as their own average: they were not moved but replaced."""
        self._average[name][rows] = parameter.detach()[rows]

    @torch.no_grad()
    def copy_to(self, module: nn.Module) -> None:
        """Give a module of the same kind the averages."""
        for name, parameter in module.named_parameters():
            if name in self._average:
                parameter.copy_(self._average[name])
