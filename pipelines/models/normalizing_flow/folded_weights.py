"""A flow's weights in the form in which sampling needs them: whatever does not depend on the frame is multiplied out beforehand.

Normalisations' gains and biases are folded into the linear maps behind them, units into the first and the last map, LU factors into
inverse matrices, projections of memory tokens into their keys and values. Results equal those of the modules but for rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pipelines.models.normalizing_flow.affine_coupling import SCALE_OFFSET, AffineCoupling
from pipelines.models.normalizing_flow.attention_block import TokenBlock
from pipelines.models.normalizing_flow.context_encoder import ContextEncoder


@dataclass(frozen=True)
class Folded:
    """y = x @ weight + bias: weight (inputs, outputs), bias (outputs,)."""

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Return y of x (rows, inputs)."""
        return torch.addmm(self.bias, x, self.weight)


def folded(linear: nn.Linear, norm: nn.LayerNorm | None = None) -> Folded:
    """Return a linear map, together with gain and bias of the normalisation before it."""
    weight = linear.weight.detach()
    given: Tensor | None = linear.bias
    bias = torch.zeros_like(weight[:, 0]) if given is None else given.detach()
    if norm is None:
        return Folded(_transposed(weight), bias.clone())
    return Folded(_transposed(weight * norm.weight.detach()), bias + weight @ norm.bias.detach())


def _transposed(weight: Tensor) -> Tensor:
    """Return a copy (inputs, outputs) of a weight (outputs, inputs): faster than a view, and untouched by later training."""
    return weight.detach().T.clone(memory_format=torch.contiguous_format)


@dataclass(frozen=True)
class FoldedBlock:
    """A `TokenBlock`; the query is scaled by 1 / sqrt(width of a head)."""

    heads: int
    query: Folded
    attention_out: Tensor
    inner: Folded
    outer: Tensor

    @classmethod
    def of(cls, block: TokenBlock) -> FoldedBlock:
        """Return the folded form of a block."""
        query, scale = folded(block.query, block.attention_norm), (block.query.out_features // block.heads) ** -0.5
        query = Folded(query.weight * scale, query.bias * scale)
        inner = folded(block.inner, block.feed_forward_norm)
        return cls(block.heads, query, _transposed(block.attention_out.weight), inner, _transposed(block.outer.weight))


@dataclass(frozen=True)
class FoldedCoupling:
    """An `AffineCoupling`; the offset of the scale is part of the last bias."""

    enter: Tensor
    block: FoldedBlock
    leave: Folded

    @classmethod
    def of(cls, coupling: AffineCoupling) -> FoldedCoupling:
        """Return the folded form of a coupling."""
        leave = folded(coupling.leave, coupling.norm)
        offset = torch.zeros_like(leave.bias)
        offset[len(offset) // 2 :] = SCALE_OFFSET
        return cls(_transposed(coupling.enter.weight), FoldedBlock.of(coupling.block), Folded(leave.weight, leave.bias + offset))


@dataclass(frozen=True)
class FoldedContext:
    """A `ContextEncoder` that takes raw coefficients.

    `past`, `source`, `emotion` and `audio` give keys and values side by side (2 W); their positions are apart.
    `token` gives the summary's token from past (flattened), source, emotion and the middle audio feature side by side.
    """

    past: Tensor
    past_positions: Tensor
    emotion: Tensor
    source: Folded | None
    audio: Tensor | None
    audio_positions: Tensor | None
    token: Folded
    block: FoldedBlock
    outputs: Folded

    @classmethod
    @torch.no_grad()
    def of(cls, encoder: ContextEncoder, center: Tensor, scale: Tensor) -> FoldedContext:
        """Return the folded form of an encoder whose inputs are normalised by center and scale, (F,)."""
        memory = torch.cat([encoder.keys.weight, encoder.values.weight])
        has_audio, has_source = encoder.config.has_audio, encoder.config.has_source
        past = _of_raw(folded(encoder.past), center, scale)
        source = _of_raw(folded(encoder.source), center, scale) if has_source else None
        outputs = [folded(encoder.summaries, encoder.norm)]
        if encoder.config.context_shift:
            outputs.append(folded(encoder.affine, encoder.norm))
        return cls(
            past=past.weight @ memory.T,
            past_positions=(encoder.past_positions + past.bias) @ memory.T,
            emotion=encoder.emotion.weight.T @ memory.T,
            source=Folded(source.weight @ memory.T, source.bias @ memory.T) if source else None,
            audio=_transposed(memory) if has_audio else None,
            audio_positions=encoder.audio_positions @ memory.T if has_audio else None,
            token=_stacked(encoder, center, scale, source),
            block=FoldedBlock.of(encoder.block),
            outputs=Folded(torch.cat([part.weight for part in outputs], 1), torch.cat([part.bias for part in outputs])),
        )


def _of_raw(linear: Folded, center: Tensor, scale: Tensor) -> Folded:
    """Return the map of raw coefficients that equals `linear` of normalised ones."""
    weight = linear.weight / scale[:, None]
    return Folded(weight, linear.bias - center @ weight)


def _stacked(encoder: ContextEncoder, center: Tensor, scale: Tensor, source: Folded | None) -> Folded:
    """Return the map from everything that makes the summary's token, side by side."""
    frames = encoder.config.past_frames
    parts = [_of_raw(folded(encoder.past_summary), center.repeat(frames), scale.repeat(frames)), folded(encoder.emotion)]
    if source is not None:
        parts.append(source)
    if encoder.config.has_audio:
        parts.append(folded(encoder.audio_summary))
    return Folded(torch.cat([part.weight for part in parts]), torch.stack([part.bias for part in parts]).sum(0))
