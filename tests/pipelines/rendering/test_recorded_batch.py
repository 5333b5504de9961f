from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from pipelines.rendering.recorded_batch import RecordedBatch, tensors_of


class Pair(NamedTuple):
    one: Tensor
    other: Tensor | None


def test_tensors_of_nested_tuples_in_order() -> None:
    a, b, c = torch.zeros(1), torch.ones(1), torch.ones(2)

    assert [id(part) for part in tensors_of((a, Pair(b, None), (c,)))] == [id(a), id(b), id(c)]


@pytest.mark.gpu
def test_a_recording_gives_what_the_work_gives() -> None:
    recorded = RecordedBatch(
        lambda pair, factor: pair.one * factor, (Pair(torch.ones(3, device="cuda"), None), torch.ones(3, device="cuda"))
    )
    values = torch.arange(3.0, device="cuda")

    assert torch.equal(recorded((Pair(values, None), values)), values * values)
