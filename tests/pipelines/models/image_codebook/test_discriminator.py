import torch

from pipelines.models.image_codebook.discriminator import PatchDiscriminator
from tests.factories.image_models import pictures


def test_each_patch_gets_a_score() -> None:
    assert PatchDiscriminator(8)(pictures(2, size_px=64)).shape == (2, 1, 6, 6)


def test_training_and_evaluation_give_the_same_alone_and_in_a_batch() -> None:
    discriminator, batch = PatchDiscriminator(8).double(), pictures(3, size_px=64).double()
    with torch.no_grad():
        scores = discriminator.train()(batch)
        assert torch.equal(discriminator.eval()(batch), scores)
        assert torch.allclose(discriminator(batch[:1]), scores[:1], atol=1e-12)


def test_a_score_sees_seventy_pixels() -> None:
    batch = torch.randn(1, 3, 128, 128, requires_grad=True)
    layers = torch.nn.Sequential(*(layer for layer in PatchDiscriminator(8).layers if not isinstance(layer, torch.nn.GroupNorm)))
    (gradient,) = torch.autograd.grad(layers(batch)[0, 0, 7, 7], batch)
    seen = gradient.abs().sum(dim=(0, 1))

    assert int((seen.sum(dim=0) > 0).sum()) == int((seen.sum(dim=1) > 0).sum()) == 70


def test_gradients_reach_every_parameter() -> None:
    discriminator = PatchDiscriminator(8)
    discriminator(pictures(2, size_px=64)).square().sum().backward()

    assert [name for name, parameter in discriminator.named_parameters() if parameter.grad is None or not parameter.grad.any()] == []
