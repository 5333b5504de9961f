"""`encode_context` and `from_latent` from folded weights: the same results as the modules', in fewer and larger operations.

Shapes are static, nothing is copied to the host and no branch depends on data, so that a sampling step can be recorded as a graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from pipelines.models.normalizing_flow.affine_coupling import SMALLEST_SCALE
from pipelines.models.normalizing_flow.context_encoder import Context, bounded_log_scale
from pipelines.models.normalizing_flow.folded_weights import FoldedBlock, FoldedContext, FoldedCoupling

if TYPE_CHECKING:
    from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow


class FastSampler:
    """Folded weights of a flow at one moment; later changes of the flow do not reach it."""

    @torch.no_grad()
    def __init__(self, flow: CoefficientFlow) -> None:
        self.config = flow.config
        self.center, self.scale = flow.center.clone(), flow.scale.clone()
        self.context = FoldedContext.of(flow.context_encoder, self.center, self.scale)
        self.couplings = [FoldedCoupling.of(coupling) for coupling in flow.coupling_list()]
        self.inverses = flow.linears.inverses().mT.contiguous()
        self.actnorm_means, self.actnorm_log_scales = flow.actnorm.means.clone(), flow.actnorm.log_scales.clone()

    def encode_context(self, audio: Tensor | None, past: Tensor, source: Tensor | None, emotion: Tensor) -> Context:
        """Return the context; see `CoefficientFlow.encode_context`."""
        config, rows = self.config, len(past)
        memory = self._memory(audio, past, source, emotion)
        keys, values = memory.chunk(2, dim=2)
        parts = [past.flatten(1), emotion]
        if source is not None:
            parts.append(source)
        if audio is not None:
            parts.append(audio[:, config.audio_radius_frames])
        token = _block(self.context.block, self.context.token(torch.cat(parts, 1)), *_by_head(keys, values, config.heads))
        outputs = self.context.outputs(_normalised(token))
        summaries = outputs[:, : config.steps * config.width].view(rows, config.steps, config.width)
        if not config.context_shift:
            zeros = outputs.new_zeros(rows, config.features)
            return Context(emotion, keys, values, summaries, zeros, zeros)
        shift, raw = outputs[:, config.steps * config.width :].chunk(2, dim=1)
        return Context(emotion, keys, values, summaries, shift, bounded_log_scale(raw))

    def _memory(self, audio: Tensor | None, past: Tensor, source: Tensor | None, emotion: Tensor) -> Tensor:
        """Return keys and values (N, M, 2 W), in the order of `ContextEncoder`: past, emotion, audio, source."""
        folded, frames = self.context, self.config.past_frames
        audio_frames = 0 if audio is None else audio.shape[1]
        memory = past.new_empty(len(past), frames + 1 + audio_frames + (source is not None), 2 * self.config.width)
        torch.add(_per_token(past, folded.past), folded.past_positions, out=memory[:, :frames])
        memory[:, frames] = emotion @ folded.emotion
        if audio is not None and folded.audio is not None and folded.audio_positions is not None:
            out = memory[:, frames + 1 : frames + 1 + audio_frames]
            torch.add(_per_token(audio, folded.audio), folded.audio_positions, out=out)
        if source is not None and folded.source is not None:
            memory[:, -1] = folded.source(source)
        return memory

    def from_latent(self, z: Tensor, context: Context) -> Tensor:
        """Return raw coefficients; see `CoefficientFlow.from_latent`."""
        means, scales = context.emotion @ self.actnorm_means, torch.exp(context.emotion @ self.actnorm_log_scales)
        keys, values = _by_head(context.keys, context.values, self.config.heads)
        kept = self.config.features // 2
        h = z.clone()
        for step in range(self.config.steps - 1, -1, -1):
            coupling = self.couplings[step]
            token = torch.addmm(context.summaries[:, step], h[:, :kept], coupling.enter)
            token = _block(coupling.block, token, keys, values)
            shift, raw_scale = coupling.leave(_normalised(token)).chunk(2, dim=1)
            h[:, kept:].div_(raw_scale.sigmoid_().add_(SMALLEST_SCALE)).sub_(shift)
            h = torch.addcmul(means[step], h @ self.inverses[step], scales[step])
        h = torch.addcmul(context.shift, h, torch.exp(context.log_scale))
        return torch.addcmul(self.center, h, self.scale)


def _block(block: FoldedBlock, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Return what `TokenBlock` returns; changes x in place."""
    query = block.query(_normalised(x)).view(len(x), block.heads, 1, -1)
    attended = torch.softmax(query @ keys, dim=-1) @ values
    x.addmm_(attended.view(x.shape), block.attention_out)
    return x.addmm_(functional.silu(block.inner(_normalised(x)), inplace=True), block.outer)


def _by_head(keys: Tensor, values: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """Return keys (N, heads, W / heads, M) and values (N, heads, M, W / heads), contiguous, of (N, M, W) each.

    Once a frame, so that the products of the K couplings need not copy them.
    """
    keys, values = (part.view(*part.shape[:2], heads, -1) for part in (keys, values))
    return keys.permute(0, 2, 3, 1).contiguous(), values.transpose(1, 2).contiguous()


def _normalised(x: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[1:])


def _per_token(x: Tensor, weight: Tensor) -> Tensor:
    """Return (N, tokens, outputs) of x (N, tokens, inputs), as one matrix product."""
    return (x.reshape(-1, x.shape[2]) @ weight).view(*x.shape[:2], -1)
