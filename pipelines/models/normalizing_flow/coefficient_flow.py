"""ExpFlow and PoseFlow: a conditional normalizing flow over the coefficients of one frame (paper, section 3.2).

Everything outside is in raw coefficient units; inside, coefficients are normalised by `center` and `scale`. Going from data to
latent: normalisation, context shift, then K times per-emotion actnorm, invertible linear map and affine coupling.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from pipelines.models.normalizing_flow.affine_coupling import AffineCoupling
from pipelines.models.normalizing_flow.audio_encoder import MEL_BINS, AudioEncoder, column_range
from pipelines.models.normalizing_flow.context_encoder import Context, ContextEncoder
from pipelines.models.normalizing_flow.emotion_actnorm import EmotionActNorm
from pipelines.models.normalizing_flow.fast_sampling import FastSampler
from pipelines.models.normalizing_flow.flow_config import CoefficientFlowConfig, presets
from pipelines.models.normalizing_flow.invertible_linear import InvertibleLinears
from pipelines.models.normalizing_flow.latent_distribution import EmotionLatent

__all__ = ["CoefficientFlow", "CoefficientFlowConfig", "Context", "column_range", "presets"]


class CoefficientFlow(nn.Module):
    """p(coefficients of a frame | audio around it, previous frames, source face, emotion).

    Given a context, the flow is the same in training and evaluation mode; dropout acts in `encode_audio` and
    `encode_context` alone.

    Attributes:
        config: sizes.
        center, scale: (F,) buffers, see `set_normalisation`.
        mel_center, mel_scale: (80,) buffers, see `set_normalisation`.
        past_map: (tau F, F) buffer, see `set_linear_past`; only where the configuration has `linear_past`.
    """

    center: Tensor
    scale: Tensor
    mel_center: Tensor
    mel_scale: Tensor
    past_map: Tensor

    def __init__(self, config: CoefficientFlowConfig) -> None:
        super().__init__()
        self.config = config
        self._sampler: FastSampler | None = None
        self.register_buffer("center", torch.zeros(config.features))
        self.register_buffer("scale", torch.ones(config.features))
        self.register_buffer("mel_center", torch.zeros(MEL_BINS))
        self.register_buffer("mel_scale", torch.ones(MEL_BINS))
        if config.linear_past:
            self.register_buffer("past_map", torch.zeros(config.past_frames * config.features, config.features))
        self.latent = EmotionLatent(config)
        self.audio_encoder = AudioEncoder(config) if config.has_audio else None
        self.context_encoder = ContextEncoder(config)
        self.actnorm = EmotionActNorm(config.steps, config.emotions, config.features)
        self.linears = InvertibleLinears(config.steps, config.features, torch.Generator().manual_seed(config.seed + 1))
        sizes = (config.features, config.width, config.heads, config.feed_forward)
        self.couplings = nn.ModuleList(AffineCoupling(*sizes) for _ in range(config.steps))

    @property
    def audio_margin_frames(self) -> int:
        """Frames before and after a chunk whose audio must be encoded with it, for its windows to equal those of the whole clip.

        They cover both the encoder's own reach over frames and the radius of `audio_windows`.
        """
        return self.config.audio_reach_frames + self.config.audio_radius_frames

    @torch.no_grad()
    def set_normalisation(self, center: Tensor, scale: Tensor, mel_center: Tensor | None = None, mel_scale: Tensor | None = None) -> None:
        """Fix the units: coefficients are (beta - center) / scale inside, both (F,); log-mel alike, both (80,) or None to keep.

        Raises:
            ValueError: a scale is not finite and above 0, or a shape is wrong.
        """
        given = {"center": center, "scale": scale, "mel_center": mel_center, "mel_scale": mel_scale}
        for name, value in given.items():
            if value is not None:
                self._set_buffer(name, value)
        self._sampler = None

    @torch.no_grad()
    def set_linear_past(self, past_map: Tensor) -> None:
        """Fix the linear prediction (tau F, F) of a frame from its history, both in normalised units, oldest frame first.

        Raises:
            ValueError: the shape is wrong, a number is not finite, or the configuration has no `linear_past`.
        """
        if not self.config.linear_past:
            raise ValueError("this flow has no linear prediction; set linear_past in its configuration")
        self._set_buffer("past_map", past_map)

    def _set_buffer(self, name: str, value: Tensor) -> None:
        buffer: Tensor = getattr(self, name)
        too_small = name.endswith("scale") and bool((value <= 0).any())
        if value.shape != buffer.shape or not bool(value.isfinite().all()) or too_small:
            found = f"shape {tuple(value.shape)}, smallest {float(value.min())}"
            raise ValueError(f"{name} must be {tuple(buffer.shape)} finite numbers, scales above 0; found {found}")
        buffer.copy_(value)

    def encode_audio(self, log_mel: Tensor, frames: int, first_frame: int = 0, first_column: int = 0) -> Tensor:
        """Return audio features (N, frames, W) of the frames from `first_frame`, in parallel.

        Frame i looks at 16 columns from int(80 * (i - 2) / 25), those outside of `log_mel` taken from its edge, and then, by
        convolutions, at `audio_reach_frames` of the other frames asked for to either side.

        A clip may be encoded in chunks: ask for `audio_margin_frames` more on each side (none beyond the clip's ends), pass a piece
        of the log-mel that holds `column_range(first_frame, frames)` as far as the clip goes, and drop the margins.

        Args:
            log_mel: (N, C, 80) float32, 80 columns a second, as stored (not normalised).
            frames: how many, at least 1.
            first_frame: index in the clip of the first one.
            first_column: index in the clip of the first column of `log_mel`.

        Raises:
            ValueError: the flow has no audio, or the shape of `log_mel` is wrong or empty.
        """
        if self.audio_encoder is None:
            raise ValueError("this flow has no audio in its context")
        if log_mel.dim() != 3 or log_mel.shape[1] < 1 or log_mel.shape[2] != MEL_BINS or frames < 1:
            raise ValueError(f"log_mel must be (N, columns >= 1, 80) and frames >= 1, found {tuple(log_mel.shape)} and {frames}")
        features: Tensor = self.audio_encoder((log_mel - self.mel_center) / self.mel_scale, frames, first_frame, first_column)
        return features

    def audio_windows(self, features: Tensor) -> Tensor:
        """Return (N, frames, 2r+1, W): for each frame of `features` (N, frames, W) those of frames t-r to t+r, edges repeated."""
        radius, frames = self.config.audio_radius_frames, features.shape[1]
        offsets = torch.arange(-radius, radius + 1, device=features.device)
        index = torch.arange(frames, device=features.device)[:, None] + offsets
        return features[:, index.clamp(0, frames - 1)]

    def encode_context(self, audio: Tensor | None, past: Tensor, source: Tensor | None, emotion: Tensor) -> Context:
        """Return the context of N frames.

        Args:
            audio: (N, 2r+1, W) features of frames t-r to t+r (`audio_windows`); None if the flow has no audio.
            past: (N, tau, F) raw coefficients of frames t-tau to t-1, oldest first; see `seen_past` for missing and hidden ones.
            source: (N, F) raw coefficients of the source face; None if the flow has no source.
            emotion: (N, E) weights, each row's sum 1.

        Raises:
            ValueError: audio or source are given where the flow has none, or missing where it has.
        """
        if (audio is not None) != self.config.has_audio or (source is not None) != self.config.has_source:
            raise ValueError(
                f"this flow {'needs' if self.config.has_audio else 'has no'} audio and {'needs' if self.config.has_source else 'has no'} "
                f"source; given: audio {audio is not None}, source {source is not None}"
            )
        with _full_precision(past):
            dtype = self.center.dtype
            audio, emotion = None if audio is None else audio.to(dtype), emotion.to(dtype)
            if (sampler := self._usable_sampler()) is not None:
                context = sampler.encode_context(audio, past.to(dtype), None if source is None else source.to(dtype), emotion)
                return self._predicted(context, self._normalised(past))
            source = None if source is None else self._normalised(source)
            context = self.context_encoder(audio, self._normalised(past), source, emotion)
            return self._predicted(context, self._normalised(past))

    def _predicted(self, context: Context, past: Tensor) -> Context:
        """Return the context with the linear prediction added to its shift."""
        if not self.config.linear_past:
            return context
        return context._replace(shift=torch.addmm(context.shift, past.flatten(1), self.past_map))

    def seen_past(self, past: Tensor, known: Tensor) -> Tensor:
        """Return histories (..., tau, F) as the context wants them, given those in which some frames are not known.

        A frame that is missing or hidden becomes `center`. With `linear_past` a history of which anything is known stays as it is.

        Args:
            past: (..., tau, F) raw coefficients; where frames before the first are unknown, the first stands for them.
            known: bool (..., tau).
        """
        if self.config.linear_past:
            known = known.any(dim=-1, keepdim=True)
        return torch.where(known[..., None], past, self.center)

    def next_past(self, past: Tensor, values: Tensor) -> Tensor:
        """Return the histories (N, tau, F) one frame later, given those of a frame and its values (N, F), raw coefficients."""
        moved = torch.cat([past[:, 1:], values[:, None]], dim=1)
        if not self.config.linear_past:
            return moved
        hidden = (past == self.center).flatten(1).all(dim=1)
        return torch.where(hidden[:, None, None], values[:, None], moved)

    def to_latent(self, beta: Tensor, context: Context) -> tuple[Tensor, Tensor]:
        """Return (z, log_det) of raw beta (N, F): f^-1 of the paper, (N, F), and log|det dz/dbeta|, (N,), normalisation included."""
        with _full_precision(beta):
            h = (self._normalised(beta) - context.shift) * torch.exp(-context.log_scale)
            log_det = self.linears.log_det() - self.scale.log().sum() - context.log_scale.sum(1)
            means, log_scales = self.actnorm.mixed(context.emotion)
            matrices = self.linears.matrices()
            for step, coupling in enumerate(self.couplings):
                h = ((h - means[step]) * torch.exp(-log_scales[step])) @ matrices[step].mT
                h, coupling_log_det = coupling(h, context.summaries[:, step], context.keys, context.values)
                log_det = log_det + coupling_log_det
            return h, log_det - log_scales.sum((0, 2))

    def from_latent(self, z: Tensor, context: Context) -> Tensor:
        """Return raw beta (N, F) of latent codes z (N, F): f of the paper, the inverse of `to_latent`; differentiable."""
        with _full_precision(z):
            if (sampler := self._usable_sampler()) is not None:
                return sampler.from_latent(z.to(self.center.dtype), context)
            means, log_scales = self.actnorm.mixed(context.emotion)
            inverses, couplings = self.linears.inverses(), self.coupling_list()
            h = z
            for step in range(self.config.steps - 1, -1, -1):
                h = couplings[step].inverse(h, context.summaries[:, step], context.keys, context.values)
                h = (h @ inverses[step].mT) * torch.exp(log_scales[step]) + means[step]
            h = h * torch.exp(context.log_scale) + context.shift
            return h * self.scale + self.center

    def log_prior(self, z: Tensor, emotion: Tensor) -> Tensor:
        """Return log p(z | emotion), (N,) nats, of z (N, F) and emotion weights (N, E)."""
        with _full_precision(z):
            return self.latent.log_density(z, emotion.to(z.dtype))

    def log_likelihood(self, beta: Tensor, context: Context) -> Tensor:
        """Return log p(beta | context), (N,) nats: a density of raw beta (N, F)."""
        z, log_det = self.to_latent(beta, context)
        return self.log_prior(z, context.emotion) + log_det

    def latent_mean(self, emotion: Tensor) -> Tensor:
        """Return the centre (N, F) of the base distribution for emotion weights (N, E)."""
        with _full_precision(emotion):
            return self.latent.mean(emotion.to(self.center.dtype))

    def sample_noise(self, count: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Return (count, F) float32 independent draws of the base distribution around zero, on the CPU; z = latent_mean + noise."""
        return self.latent.noise(count, generator=generator)

    @torch.no_grad()
    def initialise_actnorm(self, beta: Tensor, context: Context) -> None:
        """Set all actnorms so that each step's output has mean 0 and variance 1 on this batch of raw beta (N, F); once, before training.

        The same batch gives the same values wherever it runs; training over several processes must give all the same batch, or
        broadcast the parameters afterwards.
        """
        self._sampler = None
        h = (self._normalised(beta) - context.shift) * torch.exp(-context.log_scale)
        matrices = self.linears.matrices()
        for step, coupling in enumerate(self.couplings):
            self.actnorm.initialise_step(step, h)
            mean, log_scale = self.actnorm.means[step, 0], self.actnorm.log_scales[step, 0]
            h = ((h - mean) * torch.exp(-log_scale)) @ matrices[step].mT
            h, _ = coupling(h, context.summaries[:, step], context.keys, context.values)

    def prepare_for_sampling(self) -> None:
        """Switch to evaluation mode and fold the weights, so that `encode_context` and `from_latent` without gradients are faster.

        Results are the same but for rounding (1e-5). It ends with the next `train()`, `load_state_dict`, move, `set_normalisation` or
        `initialise_actnorm`; whoever changes weights in another way calls it again.
        """
        self.eval()
        self._sampler = FastSampler(self)

    def train(self, mode: bool = True) -> Self:
        """Set training or evaluation mode; training forgets what `prepare_for_sampling` made."""
        if mode:
            self._sampler = None
        return super().train(mode)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:  # noqa: ANN401 - torch's
        """Load weights and buffers, as torch does; forgets what `prepare_for_sampling` made."""
        self._sampler = None
        return super().load_state_dict(state_dict, strict, assign)

    def coupling_list(self) -> list[AffineCoupling]:
        """Return the couplings, in the order from data to latent."""
        return [coupling for coupling in self.couplings if isinstance(coupling, AffineCoupling)]

    def _apply(self, fn: Any, recurse: bool = True) -> Self:  # noqa: ANN401 - torch's
        self._sampler = None
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call,no-any-return] # torch does not annotate it

    def _usable_sampler(self) -> FastSampler | None:
        return None if torch.is_grad_enabled() else self._sampler

    def _normalised(self, beta: Tensor) -> Tensor:
        return (beta.to(self.center.dtype) - self.center) / self.scale


def _full_precision(like: Tensor) -> torch.autocast:
    """Switch mixed precision off: the flow's determinants and inverses need float32."""
    return torch.autocast(like.device.type, enabled=False)
