import pytest
import torch

from pipelines.models.image_codebook.adversarial import AdversarialKind
from pipelines.models.image_codebook.discriminator import PatchDiscriminator
from pipelines.models.image_codebook.losses import CodebookLossWeights, absolute_error, codebook_discriminator_loss, codebook_loss
from pipelines.models.image_codebook.perceptual import GradientPyramidDistance
from tests.factories.image_models import pictures, small_codebook

WEIGHTS = CodebookLossWeights()


def test_the_total_is_equation_17() -> None:
    codebook, targets, discriminator = small_codebook(), pictures(2), PatchDiscriminator(8)
    losses = codebook_loss(codebook(targets), targets, GradientPyramidDistance(), WEIGHTS, adversary=(discriminator, codebook))
    terms = losses.terms
    expected = terms["reconstruction"] + terms["perceptual"] + 0.8 * terms["adaptive_weight"] * terms["adversarial"]
    expected += terms["code"] + 0.25 * terms["commitment"]

    assert torch.allclose(losses.total.detach(), expected)
    assert losses.total.requires_grad
    assert not any(term.requires_grad for term in terms.values())


def test_without_adversary_and_quantising_there_are_two_terms() -> None:
    losses = codebook_loss(small_codebook()(pictures(2), quantise=False), pictures(2), GradientPyramidDistance(), WEIGHTS)

    assert set(losses.terms) == {"reconstruction", "perceptual"}


@pytest.mark.parametrize("kind", AdversarialKind)
def test_the_discriminator_s_loss_moves_the_discriminator_alone(kind: AdversarialKind) -> None:
    codebook, discriminator = small_codebook(), PatchDiscriminator(8)
    made = codebook(pictures(2)).pictures
    codebook_discriminator_loss(discriminator, made, pictures(2), CodebookLossWeights(adversarial_kind=kind)).backward()

    assert all(parameter.grad is None for parameter in codebook.parameters())
    assert all(parameter.grad is not None for parameter in discriminator.parameters())


def test_emphasis_is_a_weighted_mean() -> None:
    made, targets = torch.zeros(1, 3, 2, 2), torch.tensor([[1.0, 0.0], [0.0, 0.0]]).expand(1, 3, 2, 2)
    emphasis = torch.tensor([[5.0, 1.0], [1.0, 1.0]]).expand(1, 1, 2, 2)

    assert float(absolute_error(made, targets)) == pytest.approx(0.25)
    assert float(absolute_error(made, targets, torch.ones(1, 1, 2, 2))) == pytest.approx(0.25)
    assert float(absolute_error(made, targets, emphasis)) == pytest.approx(5 / 8)
