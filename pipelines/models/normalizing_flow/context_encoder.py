"""What a frame's coefficients depend on, encoded once a frame and shared by all steps of a flow."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from pipelines.models.normalizing_flow.attention_block import TokenBlock
from pipelines.models.normalizing_flow.flow_config import CoefficientFlowConfig

_LARGEST_LOG_SCALE = 2.0


class Context(NamedTuple):
    """The encoded context of N frames.

    Attributes:
        emotion: (N, E) weights, as given.
        keys: (N, M, W) of the memory tokens (past, emotion, audio, source), shared by all steps.
        values: like keys.
        summaries: (N, K, W), what each step's coupling takes from the context's summary.
        shift: (N, F), mean of the normalised coefficients that the context tells; zeros without context shift.
        log_scale: (N, F), their log-scale; zeros without context shift.
    """

    emotion: Tensor
    keys: Tensor
    values: Tensor
    summaries: Tensor
    shift: Tensor
    log_scale: Tensor

    def select(self, rows: Tensor | slice) -> Context:
        """Return the context of some of the frames."""
        return Context(*(part[rows] for part in self))


class ContextEncoder(nn.Module):
    """Memory tokens of history, audio, source face and emotion; and a summary token that attends to them."""

    def __init__(self, config: CoefficientFlowConfig) -> None:
        super().__init__()
        self.config = config
        width, features = config.width, config.features
        self.past = nn.Linear(features, width)
        self.past_positions = nn.Parameter(torch.randn(config.past_frames, width) * 0.02)
        self.past_summary = nn.Linear(config.past_frames * features, width)
        self.emotion = nn.Linear(config.emotions, width, bias=False)
        if config.has_audio:
            self.audio_positions = nn.Parameter(torch.randn(2 * config.audio_radius_frames + 1, width) * 0.02)
            self.audio_summary = nn.Linear(width, width)
        if config.has_source:
            self.source = nn.Linear(features, width)
        self.keys = nn.Linear(width, width, bias=False)
        self.values = nn.Linear(width, width, bias=False)
        self.block = TokenBlock(width, config.heads, config.feed_forward)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)
        self.summaries = nn.Linear(width, config.steps * width)
        if config.context_shift:
            self.affine = nn.Linear(width, 2 * features)
            nn.init.zeros_(self.affine.weight)
            nn.init.zeros_(self.affine.bias)

    def forward(self, audio: Tensor | None, past: Tensor, source: Tensor | None, emotion: Tensor) -> Context:
        """Return the context; `past` and `source` are normalised. See `CoefficientFlow.encode_context` for shapes."""
        tokens, token = self._tokens(audio, past, source, emotion)
        memory = torch.cat(tokens, dim=1)
        keys, values = self.keys(memory), self.values(memory)
        summary = self.dropout(self.norm(self.block(token, keys, values)))
        summaries = self.summaries(summary).view(len(past), self.config.steps, -1)
        return Context(emotion, keys, values, summaries, *self._affine(summary))

    def _tokens(self, audio: Tensor | None, past: Tensor, source: Tensor | None, emotion: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the memory tokens, each (N, some, W), and the summary's token before its block, (N, W)."""
        mood = self.emotion(emotion)
        tokens = [self.past(past) + self.past_positions, mood[:, None]]
        token = mood + self.past_summary(past.flatten(1))
        if audio is not None:
            tokens.append(audio + self.audio_positions)
            token = token + self.audio_summary(audio[:, self.config.audio_radius_frames])
        if source is not None:
            face = self.source(source)
            tokens.append(face[:, None])
            token = token + face
        return tokens, token

    def _affine(self, summary: Tensor) -> tuple[Tensor, Tensor]:
        if not self.config.context_shift:
            zeros = summary.new_zeros(len(summary), self.config.features)
            return zeros, zeros
        shift, raw = self.affine(summary).chunk(2, dim=1)
        return shift, bounded_log_scale(raw)


def bounded_log_scale(raw: Tensor) -> Tensor:
    """Return the context shift's log-scale: the identity near 0, and between -2 and 2 everywhere."""
    return _LARGEST_LOG_SCALE * torch.tanh(raw / _LARGEST_LOG_SCALE)
