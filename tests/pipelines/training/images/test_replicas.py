from __future__ import annotations

import pytest
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from pipelines.training.devices import open_fabric
from pipelines.training.images.frame_batches import FrameBatch
from pipelines.training.images.replicas import Replicas, share_count
from pipelines.training.loop import LOSS


class SquaredError(nn.Module):
    """A small network with a buffer and a setting of the step."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Conv2d(4, 1, 3))
        self.register_buffer("offset", torch.zeros(1))
        self.factor, self.seen = 1.0, 0

    def forward(self, batch: FrameBatch) -> dict[str, Tensor]:
        made = self.network(batch.pictures.permute(0, 3, 1, 2).float() / 255) + self.offset
        self.seen = len(made)
        return {LOSS: self.factor * made.square().mean(), "mean": made.mean()}

    def follow(self, leader: SquaredError) -> None:
        self.factor = leader.factor

    def gather(self, shares: list[SquaredError]) -> None:
        self.seen = sum(share.seen for share in shares)


def batch(frames: int = 6) -> FrameBatch:
    pictures = torch.randint(0, 256, (frames, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return FrameBatch(pictures, torch.zeros(frames, 3, 4))


@pytest.fixture(scope="module")
def fabric() -> Fabric:
    return open_fabric("cpu", 1, "32-true")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_gradients_and_losses_are_those_of_the_whole_batch(fabric: Fabric, count: int) -> None:
    whole, divided = SquaredError(), SquaredError()
    replicas = Replicas(fabric, divided, count)
    for factor in (1.0, 3.0):  # weights and settings are those of the moment
        for module in (whole, divided):
            module.factor = factor
            module.zero_grad(set_to_none=True)
        expected = whole(batch())
        expected[LOSS].backward()
        found = replicas.backward(batch())
        torch.testing.assert_close(found, {name: value.detach() for name, value in expected.items()})
        for mine, other in zip(divided.parameters(), whole.parameters(), strict=True):
            torch.testing.assert_close(mine.grad, other.grad)
        with torch.no_grad():
            for module in (whole, divided):
                module.offset += 1
                for parameter in module.parameters():
                    parameter.sub_(0.1 * parameter.grad)
    assert divided.seen == 6
    replicas.close()


def test_a_batch_that_cannot_be_divided(fabric: Fabric) -> None:
    with pytest.raises(ValueError, match="4 shares must divide a batch of 6 frames"):
        Replicas(fabric, SquaredError(), 4).backward(batch())


def test_shares_divide_the_batch_evenly() -> None:
    assert [share_count(threads, 4) for threads in (1, 2, 3, 16)] == [1, 2, 2, 4]
    assert share_count(4, 6) == 3
