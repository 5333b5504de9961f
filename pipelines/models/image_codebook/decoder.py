"""The image decoder D_h: a square of codes becomes a picture."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from pipelines.models.image_codebook.blocks import Doubling, ResidualBlock, SelfAttention, convolution
from pipelines.models.image_codebook.settings import CodebookSettings


class Decoder(nn.Module):
    """Codes (batch, d, m, m) become pictures (batch, 3, size, size), about -1..1 and not clamped.

    Attributes:
        last: the last convolution; the adaptive weight of the adversarial loss looks at its gradients.
    """

    def __init__(self, settings: CodebookSettings) -> None:
        super().__init__()
        side = settings.decoder
        self.shuffle = side.shuffle
        layers: list[nn.Module] = [convolution(settings.code_width, side.widths[-1])]
        if settings.attention_heads:
            layers.append(SelfAttention(side.widths[-1], settings.attention_heads))
        for number in reversed(range(len(side.widths))):
            layers += [ResidualBlock(side.widths[number]) for _ in range(side.blocks[number])]
            if number:
                layers.append(Doubling(side.widths[number], side.widths[number - 1]))
        self.layers = nn.Sequential(*layers)
        self.last = convolution(side.widths[0], 3 * side.shuffle**2, gain=0.3)

    def forward(self, codes: Tensor) -> Tensor:
        """Return pictures."""
        features = functional.relu(self.layers(codes))
        return functional.pixel_shuffle(self.last(features), self.shuffle)
