"""Adversarial losses, and the weight that keeps them in proportion to the others."""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional


class AdversarialKind(StrEnum):
    """HINGE is what VQGAN's code uses; LOG is equation 15 of the paper, with the generator's loss that does not saturate."""

    HINGE = "hinge"
    LOG = "log"


def discriminator_loss(real: Tensor, fake: Tensor, kind: AdversarialKind) -> Tensor:
    """Return the scalar that the discriminator minimises, of scores of real pictures and of detached generated ones."""
    if kind is AdversarialKind.HINGE:
        return 0.5 * (functional.relu(1 - real).mean() + functional.relu(1 + fake).mean())
    return 0.5 * (functional.softplus(-real).mean() + functional.softplus(fake).mean())


def generator_loss(fake: Tensor, kind: AdversarialKind) -> Tensor:
    """Return the scalar that the generator minimises, of scores of its pictures."""
    return -fake.mean() if kind is AdversarialKind.HINGE else functional.softplus(-fake).mean()


def adaptive_weight(reconstruction: Tensor, adversarial: Tensor, reference: Tensor, largest: float = 1e4) -> Tensor:
    """Return the factor that makes the adversarial gradient as long as that of the reconstruction, to be multiplied by 0.8.

    Args:
        reconstruction: scalar loss, perceptual term included, without weights of its own.
        adversarial: scalar loss of the generator.
        reference: what both gradients are taken with respect to: the weight of the decoder's last convolution (`Decoder.last`), or
            where the decoder is frozen a tensor of the graph, such as the picture.
        largest: limit of the factor.

    Returns:
        A detached scalar.

    Reference: Esser et al. 2021, equation 7 (delta 1e-4).
    """
    (wanted,) = torch.autograd.grad(reconstruction, reference, retain_graph=True)
    (found,) = torch.autograd.grad(adversarial, reference, retain_graph=True)
    ratio: Tensor = torch.linalg.vector_norm(wanted.float()) / (torch.linalg.vector_norm(found.float()) + 1e-4)
    return ratio.clamp(0, largest).detach()
