import math

import pytest
import torch

from pipelines.models.image_codebook.adversarial import AdversarialKind, adaptive_weight, discriminator_loss, generator_loss

REAL, FAKE = torch.tensor([2.0, 0.5]), torch.tensor([-0.5, 0.0])


def test_hinge() -> None:
    assert discriminator_loss(REAL, FAKE, AdversarialKind.HINGE).item() == pytest.approx(0.5 * (0.25 + 0.75))
    assert generator_loss(FAKE, AdversarialKind.HINGE).item() == pytest.approx(0.25)


def test_log_is_the_paper_s_sum_of_logarithms() -> None:
    real, fake = torch.sigmoid(REAL), torch.sigmoid(FAKE)
    expected = -0.5 * (torch.log(real).mean() + torch.log(1 - fake).mean())

    assert torch.allclose(discriminator_loss(REAL, FAKE, AdversarialKind.LOG), expected)
    assert torch.allclose(generator_loss(FAKE, AdversarialKind.LOG), -torch.log(fake).mean())


@pytest.mark.parametrize("kind", AdversarialKind)
def test_the_losses_pull_in_opposite_directions(kind: AdversarialKind) -> None:
    fake = torch.zeros(3, requires_grad=True)
    (against,) = torch.autograd.grad(discriminator_loss(REAL, fake, kind), fake)
    (for_it,) = torch.autograd.grad(generator_loss(fake, kind), fake)

    assert (against > 0).all()
    assert (for_it < 0).all()


def test_the_adaptive_weight_makes_gradients_equally_long() -> None:
    weight = torch.randn(4, 3, requires_grad=True)
    output = torch.randn(5, 4) @ weight
    reconstruction, adversarial = output.abs().mean(), 300 * output.mean()
    factor = adaptive_weight(reconstruction, adversarial, weight)
    (wanted,) = torch.autograd.grad(reconstruction, weight, retain_graph=True)
    (found,) = torch.autograd.grad(factor * adversarial, weight)

    assert math.isclose(float(wanted.norm()), float(found.norm()), rel_tol=1e-3)
    assert not factor.requires_grad


def test_the_adaptive_weight_is_limited() -> None:
    weight = torch.ones(2, requires_grad=True)

    assert adaptive_weight((1e9 * weight).sum(), (0 * weight).sum(), weight) == 1e4
