"""The codebook proper: nearest codes, the straight-through gradient, and what keeps all codes in use."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Quantised(NamedTuple):
    """Latents replaced by codes.

    Attributes:
        codes: (batch, d, m, m) z_c, exactly the codes; its gradient goes to the latents as it is (straight through).
        indices: (batch, m, m) int64, which codes.
        code_loss: scalar ||sg(z_h) - z_c||^2, mean over elements: moves the codes alone (weight 1).
        commitment_loss: scalar ||z_h - sg(z_c)||^2, mean over elements: moves the encoder alone (weight 0.25).
    """

    codes: Tensor
    indices: Tensor
    code_loss: Tensor
    commitment_loss: Tensor


class _StraightThrough(torch.autograd.Function):
    """Forward: the codes. Backward: the gradient, untouched, to the latents."""

    @staticmethod
    def forward(_context: Any, _latents: Tensor, codes: Tensor) -> Tensor:  # noqa: ANN401 - torch's own context has no public type
        return codes.clone()

    @staticmethod
    def backward(_context: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return gradients[0], None


def straight_through(latents: Tensor, codes: Tensor) -> Tensor:
    """Return the codes, with the identity as their gradient with respect to the latents (and none for the codes)."""
    result: Tensor = _StraightThrough.apply(latents, codes)  # type: ignore[no-untyped-call]
    return result


class Quantiser(nn.Module):
    """A codebook C of N codes of d numbers.

    Forward changes nothing: use is noted, and codes are revived, only where the training loop asks for it. With several processes
    the loop must see to it that all of them note the same use and revive the same codes.

    Reference: FlowVQTalker section 3.3, equations 13 and 16; van den Oord et al. 2017.
    """

    recent_use: Tensor

    def __init__(self, code_count: int, code_width: int) -> None:
        super().__init__()
        self.codes = nn.Parameter(torch.randn(code_count, code_width))
        # How often each code was used of late; 1 is the average of all codes.
        self.register_buffer("recent_use", torch.ones(code_count))

    def forward(self, latents: Tensor) -> Quantised:
        """Replace latents (batch, d, m, m) by their nearest codes."""
        indices = self.nearest(latents)
        codes = self.look_up(indices).to(latents.dtype)
        code_loss = functional.mse_loss(codes.float(), latents.detach().float())
        commitment_loss = functional.mse_loss(latents.float(), codes.detach().float())
        return Quantised(straight_through(latents, codes.detach()), indices, code_loss, commitment_loss)

    @torch.no_grad()
    def nearest(self, latents: Tensor) -> Tensor:
        """Return (batch, m, m) int64 indices of the codes nearest to latents (batch, d, m, m); of equals the first."""
        rows = latents.permute(0, 2, 3, 1).float()
        with torch.autocast(latents.device.type, enabled=False):
            codes = self.codes.float()
            return (codes.square().sum(dim=1) - 2 * rows @ codes.T).argmin(dim=-1)

    def look_up(self, indices: Tensor) -> Tensor:
        """Return codes (batch, d, m, m) of indices (batch, m, m)."""
        return functional.embedding(indices, self.codes).permute(0, 3, 1, 2)

    @torch.no_grad()
    def initialise(self, latents: Tensor, generator: torch.Generator, rounds: int = 8) -> None:
        """Set the codes to cluster centres (Lloyd's algorithm) of latents (batch, d, m, m) of some pictures."""
        rows = latents.permute(0, 2, 3, 1).flatten(0, 2).float()
        self.codes.copy_(_drawn_rows(rows, len(self.codes), generator))
        for _ in range(rounds):
            nearest = self.nearest(latents).flatten()
            counts = torch.bincount(nearest, minlength=len(self.codes)).to(rows.dtype)
            sums = torch.zeros_like(self.codes, dtype=rows.dtype).index_add_(0, nearest, rows)
            drawn = _drawn_rows(rows, len(self.codes), generator)
            self.codes.copy_(torch.where(counts[:, None] > 0, sums / counts[:, None].clamp(min=1), drawn))
        self.recent_use.fill_(1.0)

    @torch.no_grad()
    def note_use(self, indices: Tensor, decay: float = 0.98) -> None:
        """Count the use of codes (any shape of indices) into the running average `recent_use`."""
        counts = code_counts(indices, len(self.codes)).to(self.recent_use.dtype)
        self.recent_use.mul_(decay).add_(counts / counts.mean().clamp(min=1e-9), alpha=1 - decay)

    @torch.no_grad()
    def revive(self, latents: Tensor, generator: torch.Generator, threshold: float = 0.03) -> Tensor:
        """Move the codes whose recent use is below the threshold (1 is the average) to latents drawn at random.

        Args:
            latents: (batch, d, m, m) of the present encoder.
            generator: on the CPU; fixes the draw.
            threshold: share of the average use.

        Returns:
            (N,) bool, the codes that were moved; an optimiser should forget its moments of these rows.
        """
        dead = self.recent_use < threshold
        rows = latents.permute(0, 2, 3, 1).flatten(0, 2).to(self.codes.dtype)
        self.codes.copy_(torch.where(dead[:, None], _drawn_rows(rows, len(self.codes), generator), self.codes))
        self.recent_use.masked_fill_(dead, 1.0)
        return dead


def code_counts(indices: Tensor, code_count: int) -> Tensor:
    """Return (N,) int64: how often each code occurs in indices of any shape."""
    return torch.bincount(indices.flatten(), minlength=code_count)


def used_share(counts: Tensor) -> float:
    """Return the share of codes (0..1) that occur at all, of counts (N,)."""
    return float((counts > 0).float().mean())


def perplexity(counts: Tensor) -> float:
    """Return exp of the entropy of counts (N,): N if all codes are used alike, 1 if a single one is."""
    shares = counts.double() / counts.sum().clamp(min=1)
    return float(torch.exp(-torch.xlogy(shares, shares).sum()))


def _drawn_rows(rows: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return `count` rows, drawn without repetition as far as there are so many; the draw is the same on every device."""
    order = torch.randperm(len(rows), generator=generator)
    return rows[order.repeat(-(-count // len(rows)))[:count].to(rows.device)]
