import pytest
import torch

from pipelines.models.image_codebook.perceptual import GradientPyramidDistance, Vgg19Distance, _vgg19_features, perceptual_distance
from tests.factories.image_models import pictures


def _weights() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {f"features.{name}": value for name, value in _vgg19_features().state_dict().items()} | {"classifier.0.bias": torch.zeros(1)}


def test_vgg19_has_torchvision_s_names_and_shapes() -> None:
    shapes = {name: tuple(value.shape) for name, value in _vgg19_features().state_dict().items()}

    assert list(shapes) == [
        f"{number}.{part}" for number in (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28) for part in ("weight", "bias")
    ]
    assert shapes["0.weight"] == (64, 3, 3, 3)
    assert shapes["28.weight"] == (512, 512, 3, 3)


def test_weights_choose_the_distance_and_it_has_a_name() -> None:
    assert "VGG19 features" in perceptual_distance(_weights()).name
    assert "no VGG19 weights" in perceptual_distance(None).name


@pytest.mark.parametrize("weights", [None, "vgg19"])
def test_a_distance_is_zero_for_equal_pictures_and_grows_with_blur(weights: str | None) -> None:
    distance = perceptual_distance(_weights() if weights else None)
    targets = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    blurred = [targets + share * (torch.nn.functional.avg_pool2d(targets, 5, 1, 2) - targets) for share in (0.0, 0.3, 0.9)]
    values = [float(distance(made, targets)) for made in blurred]

    assert values[0] == 0
    assert values[0] < values[1] < values[2]


@pytest.mark.parametrize("weights", [None, "vgg19"])
def test_gradients_reach_the_pictures_and_no_weights(weights: str | None) -> None:
    distance = perceptual_distance(_weights() if weights else None)
    made = pictures(1).requires_grad_()
    distance(made, pictures(1, seed=1)).backward()

    assert made.grad is not None
    assert made.grad.any()
    assert not any(parameter.requires_grad for parameter in distance.parameters())


def test_colour_alone_is_no_gradient() -> None:
    assert float(GradientPyramidDistance()(pictures(1) + 0.3, pictures(1))) == pytest.approx(0, abs=1e-6)


def test_weights_of_something_else_are_refused_by_name() -> None:
    weights = _weights()
    del weights["features.5.bias"]
    weights["features.28.weight"] = torch.zeros(3)

    with pytest.raises(ValueError, match=r"features\.5\.bias, features\.28\.weight"):
        Vgg19Distance(weights)
