from __future__ import annotations

import torch
from torch import nn

from pipelines.training.averaged_weights import AveragedWeights


def test_the_average_follows_the_weights() -> None:
    module = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        module.weight.fill_(0.0)
    average = AveragedWeights(module, 0.9)
    with torch.no_grad():
        module.weight.fill_(1.0)
    average.update(module, 1)  # early on it forgets faster: (1 + 1) / (10 + 1)
    assert torch.allclose(average.tensors()["weight"], torch.tensor(1 - 2 / 11))
    for _ in range(200):
        average.update(module, 10_000)
    assert torch.allclose(average.tensors()["weight"], torch.ones(1, 1), atol=1e-6)


def test_copy_and_restore() -> None:
    module, other = nn.Linear(2, 2), nn.Linear(2, 2)
    average = AveragedWeights(module, 0.9)
    average.copy_to(other)
    assert torch.equal(other.weight, module.weight)
    fresh = AveragedWeights(nn.Linear(2, 2), 0.9)
    fresh.restore(average.tensors())
    assert torch.equal(fresh.tensors()["bias"], module.bias)
