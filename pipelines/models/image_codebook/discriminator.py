"""The patch discriminator: is each patch of a picture a real one?"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn


class PatchDiscriminator(nn.Module):
    """Pictures (batch, 3, size, size) become scores (batch, 1, patches, patches), high for real ones.

    Three halvings, receptive field 70 px (Isola et al. 2017). In place of batch normalisation it has group normalisation, so that a
    picture's scores depend neither on its batch nor on the number of processes.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        widths = [width, 2 * width, 4 * width, 8 * width]
        for number, (inputs, outputs) in enumerate(pairwise(widths)):
            layers += [nn.Conv2d(inputs, outputs, 4, stride=2 if number < 2 else 1, padding=1), nn.GroupNorm(8, outputs), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, padding=1))
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.02)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return scores (logits)."""
        scores: Tensor = self.layers(pictures)
        return scores
