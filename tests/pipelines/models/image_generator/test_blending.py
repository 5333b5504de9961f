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
