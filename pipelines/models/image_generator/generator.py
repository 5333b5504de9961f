"""The image generator as a whole."""

from __future__ import annotations

from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from pipelines.models.image_codebook.codebook import ImageCodebook
from pipelines.models.image_generator.adaptive_norm import AdaptiveNorm
from pipelines.models.image_generator.blending import Blending
from pipelines.models.image_generator.code_transformer import CodeTransformer, query_codes
from pipelines.models.image_generator.encoding import WarpedEncoder
from pipelines.models.image_generator.fusion import CrossAttention, FusionNetwork
from pipelines.models.image_generator.mapping import MappingNetwork
from pipelines.models.image_generator.settings import GeneratorSettings, Variant
from pipelines.models.image_generator.warping import WarpingNetwork, fitted, guide_of, sample
from pipelines.models.motion_field import MotionFields


class EncodedPortrait(NamedTuple):
    """What is computed of a portrait once; each with a batch of 1, or of as many as there are frames.

    Attributes:
        pictures: (batch, 3, size, size).
        surrounded: (batch, 3, size + 2 surroundings, likewise), with what is around them; warped.
        codes: (batch, d, m, m) z_c.
        warp_maps: of the warping network, coarsest first; empty where there is none.
        coefficients: (batch, 70) of the portrait, or None.
    """

    pictures: Tensor
    surrounded: Tensor
    codes: Tensor
    warp_maps: tuple[Tensor, ...]
    coefficients: Tensor | None

    def repeated(self, count: int) -> EncodedPortrait:
        """Return a portrait of a batch of `count`, without copying."""
        if len(self.pictures) == count:
            return self
        pictures, surrounded, codes, *maps = (
            part.expand(count, -1, -1, -1) for part in (self.pictures, self.surrounded, self.codes, *self.warp_maps)
        )
        coefficients = None if self.coefficients is None else self.coefficients.expand(count, -1)
        return EncodedPortrait(pictures, surrounded, codes, tuple(maps), coefficients)


class GeneratedFrames(NamedTuple):
    """Generated frames and what the losses need.

    Attributes:
        pictures: (batch, 3, size, size), about -1..1, not clamped.
        scores: (batch, m * m, N) logits of codes, float32; None where the variant predicts no codes.
        features: (batch, d, m, m), what T sees, or the decoder where there is no T.
        warped: (batch, 3, size, size), the warped portrait I_w.
        painted: (batch, 3, size, size), what the decoder gave; `pictures` where there is no blending.
    """

    pictures: Tensor
    scores: Tensor | None
    features: Tensor
    warped: Tensor
    painted: Tensor


class ImageGenerator(nn.Module):
    """VQIG: a portrait and windows of (beta, rho) become frames. E_h, C and D_h are the codebook's and stay frozen.

    Reference: FlowVQTalker section 3.3 and figure 3b. Shapes and what is chosen where the paper is silent: docs/image_generator.md.
    """

    def __init__(self, settings: GeneratorSettings, codebook: ImageCodebook) -> None:
        super().__init__()
        self.settings, sizes = settings, codebook.settings
        variant, sigma = settings.variant, settings.mapping.width
        self.codebook = codebook.requires_grad_(requires_grad=False)
        self.mapping = MappingNetwork(settings.mapping, relative=settings.relative_motion)
        self.warp = WarpingNetwork(settings.warp, sigma) if variant.has(Variant.WARPED) else None
        self.encoder = WarpedEncoder(sizes, sigma, guided=settings.bootstrap)
        self.fusion = FusionNetwork(sizes.code_width, settings.fusion_width) if variant.has(Variant.FUSED) else None
        attended = variant.has(Variant.ATTENDED)
        self.attention = CrossAttention(sizes.code_width, settings.attention_heads, sizes.latent_size) if attended else None
        self.adapt = AdaptiveNorm(sizes.code_width, sigma)
        full = variant.has(Variant.FULL)
        self.transformer = CodeTransformer(settings.transformer, sizes.code_width, sizes.latent_size) if full else None
        self.blending = Blending() if settings.blend else None
        self.start_from_codebook()

    @torch.no_grad()
    def start_from_codebook(self) -> None:
        """Begin E_w with the weights of E_h, and choose the transformer's sharpness for the codes; done at construction."""
        self.encoder.encoder.load_state_dict(self.codebook.encoder.state_dict())
        if self.transformer is not None:
            self.transformer.set_sharpness(self.codebook.quantiser.codes)

    def train(self, mode: bool = True) -> Self:
        """Switch all but the frozen codebook to training."""
        super().train(mode)
        self.codebook.eval()
        return self

    def trainable(self) -> dict[str, nn.Parameter]:
        """Return the parameters that training moves, by name."""
        return {name: parameter for name, parameter in self.named_parameters() if parameter.requires_grad}

    def encode_portrait(self, surrounded: Tensor, coefficients: Tensor | None = None, indices: Tensor | None = None) -> EncodedPortrait:
        """Encode portraits.

        Args:
            surrounded: (batch, 3, size + 2 surroundings, likewise) in -1..1, the portrait in the middle.
            coefficients: (batch, 70) of the portrait, needed for relative motion.
            indices: (batch, m, m) of the portrait's codes, where they are known.

        Raises:
            ValueError: pictures of another side.
        """
        margin, side = self.settings.surroundings_px, surrounded.shape[-1]
        size = self.codebook.settings.size_px
        if side != size + 2 * margin:
            raise ValueError(f"portraits are {size} px and {margin} px around them, {size + 2 * margin} px in all, found {side} px")
        pictures = surrounded[..., margin : side - margin, margin : side - margin]
        quantiser = self.codebook.quantiser
        with torch.no_grad():
            codes = quantiser(self.codebook.encoder(pictures)).codes if indices is None else quantiser.look_up(indices)
        return EncodedPortrait(pictures, surrounded, codes, self.warp.encode(pictures) if self.warp is not None else (), coefficients)

    def forward(self, portrait: EncodedPortrait, windows: Tensor, fields: MotionFields | None = None) -> GeneratedFrames:
        """Generate frames.

        Args:
            portrait: of `encode_portrait`, one for all frames or one for each.
            windows: (batch, window, 70) of (beta, rho), see `mapping.windows_of`.
            fields: for `bootstrap`: the face model's motion from portrait to frame, continued beyond the face by
                `motion_field.extend_motion`; of any size, in its own pixels.

        Raises:
            ValueError: `fields` are missing or not wanted.
        """
        if (fields is not None) != self.settings.bootstrap:
            raise ValueError(f"motion fields are wanted: {self.settings.bootstrap}, given: {fields is not None}")
        portrait = portrait.repeated(len(windows))
        descriptor = self.mapping(windows, portrait.coefficients)
        warped, guide = self._warped(portrait, descriptor, fields)
        features = self._features(portrait, warped, descriptor, guide)
        codes, scores = features, None
        if self.transformer is not None:
            quantiser = self.codebook.quantiser
            scores = self.transformer(features, quantiser.codes)
            codes = query_codes(scores, quantiser, features.shape[-1], self.settings.code_query).to(features.dtype)
        pictures = painted = self.codebook.decoder(codes)
        if self.blending is not None:
            pictures = self.blending(painted, warped, guide)
        return GeneratedFrames(pictures, scores, features, warped, painted)

    def _warped(self, portrait: EncodedPortrait, descriptor: Tensor, fields: MotionFields | None) -> tuple[Tensor, Tensor | None]:
        """Return the warped portrait, and the guide of the motion fields."""
        if self.warp is None:
            return portrait.pictures, None
        size = portrait.pictures.shape[-1]
        motion = self.warp(portrait.warp_maps, descriptor, size)
        if fields is None:
            return sample(portrait.surrounded, motion), None
        fields = fitted(fields, size)
        return sample(portrait.surrounded, motion + fields.motion), guide_of(fields, portrait.pictures.dtype)

    def _features(self, portrait: EncodedPortrait, warped: Tensor, descriptor: Tensor, guide: Tensor | None) -> Tensor:
        """Return what the transformer, or without it the decoder, gets."""
        features: Tensor = self.encoder(warped, descriptor, guide)
        if self.fusion is not None:
            features = self.fusion(features, portrait.codes)
        if self.attention is not None:
            features = self.attention(features, portrait.codes)
        adapted: Tensor = self.adapt(features, descriptor)
        return adapted
