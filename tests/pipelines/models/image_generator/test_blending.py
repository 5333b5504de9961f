import torch

from pipelines.models.image_generator.blending import Blending
from tests.factories.image_models import disturbed, pictures


def test_a_blend_lies_between_its_pictures() -> None:
    first, second = pictures(2), pictures(2, seed=1)
    blended = disturbed(Blending(8))(first, second, torch.rand(2, 2, 32, 32))

    assert (blended >= torch.minimum(first, second) - 1e-6).all()
    assert (blended <= torch.maximum(first, second) + 1e-6).all()


def test_equal_pictures_stay() -> None:
    assert torch.allclose(Blending(8)(pictures(1), pictures(1), None), pictures(1), atol=1e-6)


def test_gradients_reach_every_parameter() -> None:
    blending = disturbed(Blending(8))
    blending(pictures(2), pictures(2, seed=1), torch.rand(2, 2, 32, 32)).square().sum().backward()

    assert [name for name, parameter in blending.named_parameters() if parameter.grad is None or not parameter.grad.any()] == []


def test_a_closed_mask_opens_again() -> None:
    """Where the warped portrait was better everywhere for long, the generated picture must still get a gradient."""
    blending = Blending(8)
    torch.nn.init.constant_(blending.last.bias, 30.0)
    made = pictures(2).requires_grad_()
    blended = blending(made, pictures(2, seed=1), None)
    blended.square().sum().backward()

    assert (blended - pictures(2, seed=1)).abs().max() < 0.1
    assert blending.last.bias.grad.abs().max() > 1e-4
    assert made.grad.abs().max() > 1e-3
