"""Several processors on one batch: each takes a share of the frames through a copy of the networks that has the same weights.

The layers of small networks are too small to be divided among threads, the frames of a batch are not. Gradients are averaged, as
several processes do with theirs, but nothing has to be started or sent.
"""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from pipelines.training.images.frame_batches import FrameBatch
from pipelines.training.loop import LOSS


class Followed(Protocol):
    """A loss module whose copies can do what it does in a step."""

    def follow(self, leader: nn.Module) -> None:
        """Take over what the leader was told for this step."""
        ...

    def gather(self, shares: list[nn.Module]) -> None:
        """Take over what was left by all copies, itself the first."""
        ...


class Replicas:
    """A loss module and copies of it that share its weights, each with a thread of its own.

    Args:
        fabric: launched, on a processor, one process.
        loss: batch -> dict of scalars, means over frames, with "loss"; a `Followed`.
        count: of shares of a batch, 1 or more; must divide the batches.
    """

    def __init__(self, fabric: Fabric, loss: nn.Module, count: int) -> None:
        self._fabric = fabric
        self._shares = [loss, *(_sharing(loss) for _ in range(count - 1))]
        self._threads = ThreadPoolExecutor(max(1, count - 1), thread_name_prefix="replica")

    def backward(self, batch: FrameBatch) -> dict[str, Tensor]:
        """Return the losses of a batch, and leave its gradients in the parameters of the loss module."""
        count, frames = len(self._shares), len(batch.pictures)
        if frames % count:
            raise ValueError(f"{count} shares must divide a batch of {frames} frames")
        parts = [batch.select(slice(start, start + frames // count)) for start in range(0, frames, frames // count)]
        for share in self._shares[1:]:
            share.follow(self._shares[0])  # type: ignore[operator]  # a Followed
        running = [self._threads.submit(self._one, share, part) for share, part in zip(self._shares[1:], parts[1:], strict=True)]
        losses = [self._one(self._shares[0], parts[0]), *(future.result() for future in running)]
        self._shares[0].gather(self._shares)  # type: ignore[operator]
        self._average_gradients()
        return {name: torch.stack([part[name].detach() for part in losses]).mean(dim=0) for name in losses[0]}

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _one(self, share: nn.Module, part: FrameBatch) -> dict[str, Tensor]:
        with self._fabric.autocast():
            losses: dict[str, Tensor] = share(part)
        self._fabric.backward(losses[LOSS])
        return losses

    @torch.no_grad()
    def _average_gradients(self) -> None:
        trained = [[p for p in share.parameters() if p.requires_grad] for share in self._shares]
        own = [parameter.grad for parameter in trained[0]]
        for others in trained[1:]:
            # A parameter has a gradient in all shares or in none: they compute the same.
            torch._foreach_add_([grad for grad in own if grad is not None], [p.grad for p in others if p.grad is not None])
            for parameter in others:
                parameter.grad = None
        torch._foreach_div_([grad for grad in own if grad is not None], len(trained))


def _sharing(loss: nn.Module) -> nn.Module:
    """Return a copy whose parameters and buffers are those of the original in memory."""
    twin = copy.deepcopy(loss)
    with torch.no_grad():
        for mine, original in zip(twin.parameters(), loss.parameters(), strict=True):
            mine.data = original.data
        for buffer, kept in zip(twin.buffers(), loss.buffers(), strict=True):
            buffer.data = kept.data
    return twin


def share_count(threads: int, batch_frames: int) -> int:
    """Return into how many shares a batch is divided among threads: the most that divide it evenly."""
    return max(count for count in range(1, threads + 1) if not batch_frames % count)
