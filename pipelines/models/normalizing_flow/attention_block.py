"""One transformer block for a single token that attends to a memory whose keys and values are given."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class TokenBlock(nn.Module):
    """Pre-normalised cross attention and feed-forward, both with residuals, of one token a row.

    Keys and values come ready, so that blocks which look at the same memory share them. What is added to the token has no bias:
    the token's own input has one, and a bias here would cost sampling two more operations a block.
    """

    def __init__(self, width: int, heads: int, feed_forward: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, feed_forward)
        self.outer = nn.Linear(feed_forward, width, bias=False)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Return (N, W) of tokens x (N, W), keys and values (N, M, W)."""
        x = x + self.attention_out(attend(self.query(self.attention_norm(x)), keys, values, self.heads))
        inner: Tensor = self.outer(functional.silu(self.inner(self.feed_forward_norm(x))))
        return x + inner


def attend(query: Tensor, keys: Tensor, values: Tensor, heads: int) -> Tensor:
    """Return (N, W): for each head softmax(query keys^T / sqrt(W / heads)) values, of one query (N, W) a row; keys, values (N, M, W).

    Written out as products and sums: a matrix product with one row for each head and frame takes three times as long on a CPU.
    """
    query, keys, values = (part.view(*part.shape[:-1], heads, -1) for part in (query, keys, values))
    scores = (keys * query[:, None]).sum(-1, keepdim=True) * query.shape[-1] ** -0.5
    return (torch.softmax(scores, dim=1) * values).sum(1).flatten(1)
