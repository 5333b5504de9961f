"""The losses of the codebook (paper, equations 14 to 17)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from pipelines.models.image_codebook.adversarial import AdversarialKind, adaptive_weight, discriminator_loss, generator_loss
from pipelines.models.image_codebook.codebook import ImageCodebook, Reconstruction
from pipelines.models.image_codebook.discriminator import PatchDiscriminator
from pipelines.models.image_codebook.perceptual import PerceptualDistance


@dataclass(frozen=True)
class CodebookLossWeights:
    """Weights of equation 17; `adversarial` multiplies the adaptive weight, `commitment` is the paper's lambda_feat."""

    reconstruction: float = 1.0
    perceptual: float = 1.0
    adversarial: float = 0.8
    code: float = 1.0
    commitment: float = 0.25
    adversarial_kind: AdversarialKind = AdversarialKind.HINGE


class WeighedLosses(NamedTuple):
    """A loss and what it is made of: total is a scalar with a gradient; terms are detached scalars, not weighed."""

    total: Tensor
    terms: dict[str, Tensor]


def absolute_error(pictures: Tensor, targets: Tensor, emphasis: Tensor | None = None) -> Tensor:
    """Return the mean absolute difference; `emphasis` (batch, 1, size, size) counts places more or less (weighted mean)."""
    error = (pictures - targets).abs().mean(dim=1, keepdim=True)
    return error.mean() if emphasis is None else (error * emphasis).sum() / emphasis.sum()


def codebook_loss(
    made: Reconstruction,
    targets: Tensor,
    perceptual: PerceptualDistance,
    weights: CodebookLossWeights,
    *,
    emphasis: Tensor | None = None,
    adversary: tuple[PatchDiscriminator, ImageCodebook] | None = None,
) -> WeighedLosses:
    """Return the loss of encoder, codes and decoder.

    Args:
        made: what the codebook made of `targets`.
        targets: (batch, 3, size, size) in -1..1.
        perceptual: distance of equation 14.
        weights: of the terms.
        emphasis: (batch, 1, size, size) above 0, for eyes and mouth; counts in the reconstruction term alone.
        adversary: discriminator, and the codebook that made the pictures; None before the discriminator starts.
    """
    terms = {
        "reconstruction": absolute_error(made.pictures, targets, emphasis),
        "perceptual": perceptual(made.pictures, targets),
    }
    total = weights.reconstruction * terms["reconstruction"] + weights.perceptual * terms["perceptual"]
    if adversary is not None:
        discriminator, codebook = adversary
        terms["adversarial"] = generator_loss(discriminator(made.pictures), weights.adversarial_kind)
        terms["adaptive_weight"] = adaptive_weight(total, terms["adversarial"], codebook.decoder.last.weight)
        total = total + weights.adversarial * terms["adaptive_weight"] * terms["adversarial"]
    if made.quantised is not None:
        terms["code"], terms["commitment"] = made.quantised.code_loss, made.quantised.commitment_loss
        total = total + weights.code * terms["code"] + weights.commitment * terms["commitment"]
    return WeighedLosses(total, {name: term.detach() for name, term in terms.items()})


def codebook_discriminator_loss(discriminator: PatchDiscriminator, made: Tensor, targets: Tensor, weights: CodebookLossWeights) -> Tensor:
    """Return the scalar that the discriminator minimises, of generated and of real pictures."""
    return discriminator_loss(discriminator(targets), discriminator(made.detach()), weights.adversarial_kind)
