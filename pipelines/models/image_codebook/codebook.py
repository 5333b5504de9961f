"""The texture codebook as a whole: what is trained by reconstruction, and frozen afterwards."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from pipelines.models.image_codebook.decoder import Decoder
from pipelines.models.image_codebook.encoder import Encoder
from pipelines.models.image_codebook.quantiser import Quantised, Quantiser
from pipelines.models.image_codebook.settings import CodebookSettings


class Reconstruction(NamedTuple):
    """What the codebook makes of pictures.

    Attributes:
        pictures: (batch, 3, size, size), about -1..1.
        latents: (batch, d, m, m) z_h.
        quantised: their codes, indices and losses; None where quantising was left out.
    """

    pictures: Tensor
    latents: Tensor
    quantised: Quantised | None


class ImageCodebook(nn.Module):
    """E_h, C and D_h. Pictures are (batch, 3, size, size), RGB in -1..1.

    Reference: FlowVQTalker section 3.3; Esser et al. 2021 (VQGAN). Sizes are in `settings`; nothing here depends on whether the
    module is in training mode.
    """

    def __init__(self, settings: CodebookSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = Encoder(settings)
        self.quantiser = Quantiser(settings.code_count, settings.code_width)
        self.decoder = Decoder(settings)

    def forward(self, pictures: Tensor, *, quantise: bool = True) -> Reconstruction:
        """Encode, quantise and decode; without `quantise` as a plain autoencoder, for the first steps of training."""
        latents: Tensor = self.encoder(pictures)
        if not quantise:
            return Reconstruction(self.decoder(latents), latents, None)
        quantised: Quantised = self.quantiser(latents)
        return Reconstruction(self.decoder(quantised.codes), latents, quantised)

    def encode(self, pictures: Tensor) -> Tensor:
        """Return (batch, m, m) int64 code indices of pictures."""
        return self.quantiser.nearest(self.encoder(pictures))

    def decode(self, indices: Tensor) -> Tensor:
        """Return pictures of code indices (batch, m, m)."""
        pictures: Tensor = self.decoder(self.quantiser.look_up(indices))
        return pictures
