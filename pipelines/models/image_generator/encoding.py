"""The encoder of the warped portrait, E_w."""

from __future__ import annotations

from torch import Tensor, nn

from pipelines.models.image_codebook.encoder import Encoder, Stem
from pipelines.models.image_codebook.settings import CodebookSettings
from pipelines.models.image_generator.adaptive_norm import AdaptiveNorm


class WarpedEncoder(nn.Module):
    """E_w: built like E_h and begun with its weights, and steered by the descriptor (AdaIN at the image level).

    AdaIN stands after the stem and after each level, and changes nothing at first; nor does the guide. So E_w is E_h to begin with.
    """

    def __init__(self, settings: CodebookSettings, descriptor_width: int, *, guided: bool) -> None:
        super().__init__()
        self.encoder = Encoder(settings)
        widths = settings.encoder.widths
        self.adapt = nn.ModuleList(AdaptiveNorm(width, descriptor_width) for width in (widths[0], *widths))
        self.guide = Stem(2, widths[0], settings.encoder.shuffle) if guided else None
        if self.guide is not None:
            nn.init.zeros_(self.guide.mix.weight)

    def forward(self, warped: Tensor, descriptor: Tensor, guide: Tensor | None) -> Tensor:
        """Return z_w (batch, d, m, m) of pictures (batch, 3, size, size); guide (batch, 2, size, size) where there is one."""
        features: Tensor = self.encoder.stem(warped)
        if self.guide is not None:
            features = features + self.guide(guide)
        features = self.adapt[0](features, descriptor)
        for level, adapt in zip(self.encoder.levels, self.adapt[1:], strict=True):
            features = adapt(level(features), descriptor)
        latents: Tensor = self.encoder.head(features)
        return latents
