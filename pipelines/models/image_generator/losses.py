"""The losses of the generator: code level, then image level (paper, equations 14, 15 and 18)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional

from pipelines.models.image_codebook.adversarial import AdversarialKind, adaptive_weight, generator_loss
from pipelines.models.image_codebook.discriminator import PatchDiscriminator
from pipelines.models.image_codebook.losses import WeighedLosses, absolute_error
from pipelines.models.image_codebook.perceptual import PerceptualDistance
from pipelines.models.image_codebook.quantiser import Quantiser
from pipelines.models.image_generator.generator import GeneratedFrames


@dataclass(frozen=True)
class GeneratorLossWeights:
    """Weights of the terms.

    Attributes:
        code, feature: cross-entropy of codes and squared error of features, as in CodeFormer.
        warp: absolute error of the warped portrait alone; the paper names none, PIRenderer trains its warp by one.
        painted: absolute error of what the decoder gave, where it is blended; else a blending that prefers the warped portrait would
            leave the codes without a gradient.
        reconstruction, perceptual, adversarial: at the image level; the last multiplies the adaptive weight.
        adversarial_kind: hinge, or the paper's logarithms.
    """

    code: float = 0.5
    feature: float = 1.0
    warp: float = 1.0
    painted: float = 0.5
    reconstruction: float = 1.0
    perceptual: float = 1.0
    adversarial: float = 0.8
    adversarial_kind: AdversarialKind = AdversarialKind.HINGE


class Targets(NamedTuple):
    """What frames should be.

    Attributes:
        pictures: (batch, 3, size, size) in -1..1.
        indices: (batch, m, m) int64, the codes of the true frames, `ImageCodebook.encode` of the pictures.
        emphasis: (batch, 1, size, size) above 0, for eyes and mouth, or None.
    """

    pictures: Tensor
    indices: Tensor
    emphasis: Tensor | None = None


def code_level_loss(made: GeneratedFrames, targets: Targets, quantiser: Quantiser, weights: GeneratorLossWeights) -> WeighedLosses:
    """Return the loss of the first stage: codes, features, and the warp; the generated pictures do not count."""
    emphasis = None if targets.emphasis is None else functional.adaptive_avg_pool2d(targets.emphasis, made.features.shape[-1])
    wanted = quantiser.look_up(targets.indices).detach()
    squared = (made.features.float() - wanted.float()).square().mean(dim=1, keepdim=True)
    terms = {"feature": _mean(squared, emphasis), "warp": absolute_error(made.warped, targets.pictures, targets.emphasis)}
    total = weights.feature * terms["feature"] + weights.warp * terms["warp"]
    if made.scores is not None and weights.code:
        missed = functional.cross_entropy(made.scores.transpose(1, 2), targets.indices.flatten(1), reduction="none")
        terms["code"] = _mean(missed.reshape(squared.shape), emphasis)
        total = total + weights.code * terms["code"]
    return WeighedLosses(total, {name: term.detach() for name, term in terms.items()})


def image_level_loss(
    made: GeneratedFrames,
    targets: Targets,
    perceptual: PerceptualDistance,
    weights: GeneratorLossWeights,
    discriminator: PatchDiscriminator | None = None,
) -> WeighedLosses:
    """Return what the second stage adds to the code-level loss; without a discriminator, no adversarial term.

    The decoder is frozen, so the adaptive weight compares gradients at the pictures, not at its last convolution.
    """
    terms = {
        "reconstruction": absolute_error(made.pictures, targets.pictures, targets.emphasis),
        "perceptual": perceptual(made.pictures, targets.pictures),
    }
    total = weights.reconstruction * terms["reconstruction"] + weights.perceptual * terms["perceptual"]
    if made.painted is not made.pictures:
        terms["painted"] = absolute_error(made.painted, targets.pictures, targets.emphasis)
        total = total + weights.painted * terms["painted"]
    if discriminator is not None:
        terms["adversarial"] = generator_loss(discriminator(made.pictures), weights.adversarial_kind)
        terms["adaptive_weight"] = adaptive_weight(total, terms["adversarial"], made.pictures)
        total = total + weights.adversarial * terms["adaptive_weight"] * terms["adversarial"]
    return WeighedLosses(total, {name: term.detach() for name, term in terms.items()})


def _mean(errors: Tensor, emphasis: Tensor | None) -> Tensor:
    return errors.mean() if emphasis is None else (errors * emphasis).sum() / emphasis.sum()
