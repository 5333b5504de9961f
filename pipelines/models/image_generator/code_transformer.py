"""The transformer T that predicts which codes a frame is made of, and the query of the codebook with its prediction."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.models.image_codebook.blocks import as_tokens, attend
from pipelines.models.image_codebook.quantiser import Quantiser, straight_through
from pipelines.models.image_generator.settings import CodeQuery, TransformerSettings


class CodeTransformer(nn.Module):
    """Features (batch, d, m, m) become scores (batch, m * m, N) of codes.

    The output is a correction of the features, zero at first, and a code's score is minus its squared distance from the corrected
    feature, times a learned sharpness: the vectors retrieve the codes they match best, and what the codebook knows of codes that
    look alike need not be learned again.

    Reference: sizes after CodeFormer (Zhou et al. 2022), whose scores are linear in the output.
    """

    def __init__(self, settings: TransformerSettings, code_width: int, latent_size: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.randn(latent_size**2, settings.width) * 0.02)
        self.enter = nn.Linear(code_width, settings.width)
        self.layers = nn.ModuleList(_Layer(settings) for _ in range(settings.layers))
        self.norm, self.leave = nn.LayerNorm(settings.width), nn.Linear(settings.width, code_width)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        self.log_sharpness = nn.Parameter(torch.zeros(()))

    @torch.no_grad()
    def set_sharpness(self, codes: Tensor) -> None:
        """Choose the sharpness for codes (N, d): at a code, its nearest neighbour's score is lower by about 3."""
        distances = torch.cdist(codes.float(), codes.float()).fill_diagonal_(torch.inf)
        typical = distances.min(dim=1).values.square().median().clamp(min=1e-6)
        self.log_sharpness.copy_(torch.log(3 / typical))

    def forward(self, features: Tensor, codes: Tensor) -> Tensor:
        """Return scores (logits, float32) of the codes (N, d)."""
        tokens = as_tokens(features)
        hidden = self.enter(tokens) + self.places
        for layer in self.layers:
            hidden = layer(hidden)
        wanted = (tokens + self.leave(self.norm(hidden))).float()
        with torch.autocast(features.device.type, enabled=False):
            table = codes.float()
            # |v|^2 is the same for all codes and is left out.
            scores: Tensor = torch.exp(self.log_sharpness.float()) * (2 * wanted @ table.T - table.square().sum(dim=1))
            return scores


_NEGLIGIBLE = 40.0
"""Logits farther below the best one count as this far below it: a probability of 4e-18."""


class _Layer(nn.Module):
    def __init__(self, settings: TransformerSettings) -> None:
        super().__init__()
        width = settings.width
        self.heads = settings.heads
        self.attention_norm, self.hidden_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.expand, self.shrink = nn.Linear(width, settings.hidden), nn.Linear(settings.hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        queries, keys, values = self.project(self.attention_norm(tokens)).chunk(3, dim=-1)
        attended: Tensor = tokens + self.out(attend(queries, keys, values, self.heads))
        change: Tensor = self.shrink(functional.gelu(self.expand(self.hidden_norm(attended))))
        return attended + change


def query_codes(scores: Tensor, quantiser: Quantiser, size: int, query: CodeQuery) -> Tensor:
    """Return codes (batch, d, size, size) of scores (batch, size * size, N); differentiable in the scores."""
    # Probabilities below the smallest normal number, of which there would be many, take a processor a hundred times as long.
    least = scores.detach().amax(dim=-1, keepdim=True) - _NEGLIGIBLE
    probabilities = scores.clamp(min=least).softmax(dim=-1)
    soft = (probabilities @ quantiser.codes.to(probabilities.dtype)).transpose(1, 2).reshape(len(scores), -1, size, size)
    if query is CodeQuery.SOFT:
        return soft
    hard = quantiser.look_up(scores.argmax(dim=-1).reshape(-1, size, size)).to(soft.dtype)
    return straight_through(soft, hard) if soft.requires_grad else hard
